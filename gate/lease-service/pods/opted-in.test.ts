import { expect, test } from 'vitest'
import type { GateMessage } from '../../../core/lease-api.ts'
import { INJECTION_LABEL } from '../../../core/names.ts'
import type { Namespace, Pod } from '../../../core/pod.ts'
import { madeNamespace, madePod } from '../testing/made-pods.ts'
import { madeService, quiet } from '../testing/made-service.ts'

const last = (heard: GateMessage[]): string | undefined => heard.at(-1)?.kind

const namespaceOf = (name: string, labels: Record<string, string>): Namespace => ({
  metadata: { name, uid: `${name}-uid`, labels },
})

const inNamespace = (pod: Pod, namespace: string): Pod => ({ ...pod, metadata: { ...pod.metadata, namespace } })

/** Runs, is not ready, and has no slot. */
const starting: Pod['status'] = {
  phase: 'Running',
  containerStatuses: [{ name: 'app', ready: false, restartCount: 0, containerID: 'c', state: { running: {} } }],
}

test('pods with our label in a namespace that never opted in cost others no slot, and get none', async () => {
  const forged = ['x', 'y', 'z'].map(name => inNamespace(madePod(name, starting), 'stranger'))
  const { api, service, ask } = madeService([...forged, inNamespace(madePod('w'), 'stranger'), madePod('a')])
  service.namespaceChanged(madeNamespace({}))
  service.namespaceChanged(namespaceOf('stranger', { 'startgate.dev/mode': 'enforce' }))
  await service.startLeading(1)
  const w = await ask('w')
  await quiet()
  expect([last(w), [...api.leases.keys()]]).toEqual(['granted', []])
  expect(service.view.usage().filter(({ debt, held }) => debt + held > 0)).toEqual([])
  const a = await ask('a')
  await quiet()
  expect([last(a), [...api.leases.keys()]]).toEqual(['granted', ['start.a.1']])
})

test('a namespace that is opted out lets its waiting pods go, and one that nobody has shown yet is not judged', async () => {
  const { api, service, ask } = madeService([madePod('a'), madePod('b')])
  await service.startLeading(1)
  await ask('a')
  const b = await ask('b')
  await quiet()
  expect(last(b)).toBe('waiting')
  service.namespaceChanged(namespaceOf('shop', { [INJECTION_LABEL]: 'disabled' }))
  await quiet()
  expect([last(b), [...api.leases.keys()]]).toEqual(['granted', ['start.a.1']])
})

test('a pod of more containers than the webhook ever makes goes at once and counts nowhere', async () => {
  const large = madePod('large', starting)
  large.spec.containers = Array.from({ length: 2_001 }, (_, i) => ({ name: i === 0 ? 'app' : `app-${i}` }))
  const { api, service, ask } = madeService([large])
  await service.startLeading(1)
  const heard = await ask('large')
  await quiet()
  expect([last(heard), [...api.leases.keys()]]).toEqual(['granted', []])
  expect(service.view.usage().filter(({ debt, held }) => debt + held > 0)).toEqual([])
})
