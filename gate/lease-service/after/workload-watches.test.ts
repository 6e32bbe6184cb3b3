import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import type { ApiTransport, StreamRequest } from '../../../core/kube/transport.ts'
import { Workloads } from './workload-watches.ts'

/** Each watch lists these objects, and stays open. */
function workloadsOf(objects: object[]): Workloads {
  const transport: Pick<ApiTransport, 'openStream'> = {
    openStream: async ({ signal }: StreamRequest) => lines(objects, signal),
  }
  return new Workloads({
    client: { transport: transport as ApiTransport },
    onChange: () => {},
    clock: { monotonicMs: () => 0, wallMs: () => 0 },
    random: () => 0,
    log: pino({ level: 'silent' }),
  })
}

async function* lines(objects: object[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const line = (type: string, object: object) => Buffer.from(`${JSON.stringify({ type, object })}\n`)
  for (const object of objects) yield line('ADDED', object)
  const annotations = { 'k8s.io/initial-events-end': 'true' }
  yield line('BOOKMARK', { metadata: { resourceVersion: '1', annotations } })
  await new Promise(resolve => signal.addEventListener('abort', resolve))
}

test('of what a namespace has no more is kept than what is read', async () => {
  const metadata = { namespace: 'shop', name: 'db', uid: 'u', resourceVersion: '1' }
  const template = { metadata: { annotations: { notes: 'x'.repeat(4_096) } } }
  const workloads = workloadsOf([{ metadata, spec: { replicas: 2, template } }])
  await vi.waitFor(() =>
    expect(workloads.find('deployment', 'shop', 'db')).toEqual({ metadata, spec: { replicas: 2 } }),
  )
})
