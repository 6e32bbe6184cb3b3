import { AGENT, AGENT_ENV } from '../../../core/names.ts'
import type { Container, Pod } from '../../../core/pod.ts'
import type { Readiness } from '../../../core/readiness.ts'
import { formatSequence, type Sequence } from '../../../core/sequence.ts'

/** Test support. `db` first, then `cache`, which does not wait for it, then `web` and `log` when both are ready. */
export function sequencedPod(
  fields: { readiness?: Record<string, Readiness>; metadata?: object; db?: object } = {},
): Pod {
  const sequence: Sequence = {
    stages: [
      { gate: 'startgate-start-db', containers: ['db'], dependsOn: [] },
      { gate: 'startgate-start-cache', containers: ['cache'], dependsOn: [] },
      {
        gate: 'startgate-start',
        containers: ['web', 'log'],
        dependsOn: [
          { container: 'db', condition: 'ready' },
          { container: 'cache', condition: 'started' },
        ],
      },
    ],
    readiness: {
      db: { type: 'notify' },
      cache: { type: 'simple' },
      web: { type: 'probe' },
      log: { type: 'simple' },
      ...fields.readiness,
    },
  }
  const of = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'x:1', ...more })
  const env = [{ name: AGENT_ENV.sequence, value: formatSequence(sequence) }]
  return {
    metadata: {
      uid: 'u1',
      name: 'shop-0',
      namespace: 'shop',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...fields.metadata,
    },
    spec: {
      nodeName: 'n',
      initContainers: [
        of('startgate-pull'),
        of(AGENT, { restartPolicy: 'Always', env }),
        of('startgate-start-db'),
        of('db', { restartPolicy: 'Always', ...fields.db }),
        of('startgate-start-cache'),
        of('cache', { restartPolicy: 'Always' }),
        of('startgate-start'),
      ],
      containers: [of('web', { readinessProbe: {} }), of('log')],
    },
  }
}
