import { join } from 'node:path'
import { build } from 'esbuild'
import type { Manifest } from '../harness/kubectl.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'

export interface Abuse {
  name: string
  attack: 'bodies' | 'metrics' | 'tokens'
  host: string
  port: number
}

/** What one round came to, as the program in the pod wrote it. */
export interface Round {
  outcomes: { sent: number; statuses: Record<string, number>; closed: boolean }[]
}

/**
 * Pods that attack until they are deleted. They wear our label, as anyone's may, so that the lease service knows them.
 */
export async function abusers(image: string, abuses: Abuse[]): Promise<Manifest[]> {
  const entry = join(import.meta.dirname, 'abuser-program.ts')
  const bundled = await build({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', write: false })
  const program = bundled.outputFiles[0]?.text ?? ''
  return abuses.map(({ name, attack, host, port }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name, 'startgate.dev/gated': 'true' } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'abuser',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '--input-type=module', '-e', program],
          env: [
            ...Object.entries({ ATTACK: attack, HOST: host, PORT: String(port) }).map(([key, value]) => ({
              name: key,
              value,
            })),
            { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
            { name: 'POD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
          ],
          // Else it is the cluster's two cores that are short, which shows nothing of startgate. A request that is not
          // written is as high as the limit, and would take CPU from all others of the node.
          resources: { requests: { cpu: '1m', memory: '64Mi' }, limits: { cpu: '100m', memory: '512Mi' } },
        },
      ],
    },
  }))
}

/** The rounds that an abuser has told of so far. */
export async function roundsOf(namespace: TestNamespace, pod: string): Promise<Round[]> {
  const lines = (await namespace.log(pod, 'abuser')).split('\n')
  return lines.flatMap(line => (line.startsWith('{') ? [JSON.parse(line) as Round] : []))
}
