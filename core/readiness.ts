import { isObject } from './is-object.ts'

/**
 * When a container counts as ready, in systemd's meaning (systemd.service(5), Type=):
 * - `simple`: it has run for the settle time;
 * - `probe`: the kubelet says so, by its startup and readiness probes;
 * - `notify`: it sent READY=1;
 * - `forking`: its PID file, a path in that container, names a live process;
 * - `dbus`: it owns the bus name, on the bus at `address` (default: the system bus);
 * - `completed`: it has exited with 0.
 */
export type Readiness =
  | { type: 'simple' }
  | { type: 'probe' }
  | { type: 'notify' }
  | { type: 'forking'; pidFile: string }
  | { type: 'dbus'; busName: string; address?: string }
  | { type: 'completed' }

export type ReadinessType = Readiness['type']

export const READINESS_TYPES: readonly ReadinessType[] = ['simple', 'probe', 'notify', 'forking', 'dbus', 'completed']

/** Types of which only the agent can say when the container is ready; the pod's status cannot. */
export function isReportedByAgent({ type }: Readiness): boolean {
  return type === 'notify' || type === 'forking' || type === 'dbus' || type === 'completed'
}

/** Reads the JSON form; undefined when it is none. */
export function asReadiness(value: unknown): Readiness | undefined {
  if (!isObject(value)) return undefined
  const { type, pidFile, busName, address } = value
  switch (type) {
    case 'simple':
    case 'probe':
    case 'notify':
    case 'completed':
      return { type }
    case 'forking':
      return typeof pidFile === 'string' ? { type, pidFile } : undefined
    case 'dbus':
      if (typeof busName !== 'string') return undefined
      return { type, busName, ...(typeof address === 'string' && { address }) }
    default:
      return undefined
  }
}
