import type { Manifest } from '../harness/kubectl.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

export interface Agents {
  image: string
  /** Node on which it does not get ready by itself. */
  heldOn: string
  /** The one node that it runs on; all workers when absent. */
  only?: string
}

const SCRIPT = `
trap 'exit 0' TERM
[ "$NODE" = "$HELD_ON" ] || touch /state/ready
while :; do sleep 3600 & wait $!; done
`

/** A DaemonSet whose pod on one node is not ready before \`letReady\`. */
export function agents(name: string, { image, heldOn, only }: Agents): Manifest {
  const labels = { app: name }
  const container = {
    name: 'agent',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', SCRIPT],
    env: [
      { name: 'HELD_ON', value: heldOn },
      { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    ],
    volumeMounts: [{ name: 'state', mountPath: '/state' }],
    readinessProbe: { exec: { command: ['test', '-f', '/state/ready'] }, periodSeconds: 1, timeoutSeconds: 5 },
  }
  const spec = {
    terminationGracePeriodSeconds: 2,
    containers: [container],
    volumes: [{ name: 'state', emptyDir: {} }],
    ...(only && { nodeSelector: { 'kubernetes.io/hostname': only } }),
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  }
}

/** Lets a DaemonSet's pod on a node get ready, once it runs there. */
export async function letReady(namespace: TestNamespace, name: string, node: string): Promise<void> {
  const where = ['-l', `app=${name}`, '--field-selector', `spec.nodeName=${node},status.phase=Running`]
  const pod = await waitFor(
    `the pod of ${name} on ${node} runs`,
    () => namespace.kubectl.text(['get', 'pods', '-n', namespace.name, ...where, '-o', 'name']),
    limits.podReady,
  )
  await namespace.kubectl.run(['exec', '-n', namespace.name, pod.trim(), '--', 'touch', '/state/ready'])
}
