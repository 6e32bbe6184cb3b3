import type { Container, Pod } from '../../core/pod.ts'

/** The number of a pod's container port by its name; undefined where no container has such a one. */
export function containerPort({ spec }: Pod, name: string): number | undefined {
  const containers: (Container & { ports?: { name?: string; containerPort: number }[] })[] = spec.containers
  return containers.flatMap(({ ports }) => ports ?? []).find(port => port.name === name)?.containerPort
}
