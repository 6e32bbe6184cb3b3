import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ContainerStatus, Node, Pod } from '../../../core/pod.ts'
import { Ledger } from '../ledger/ledger.ts'
import { sharedText } from '../pods/shared-text.ts'
import { StartedPod, StartedPods } from '../started/started-pod.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { madeService, quiet } from '../testing/made-service.ts'
import type { NewLedger } from './term-state.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }))
afterEach(() => void vi.useRealTimers())

const kept = new StartedPods(sharedText())
const shrunk = (pod: Pod, before?: Pod): Pod =>
  kept.shrunk(pod, { wallMs: Date.now(), nowMs: 0, oldAfterMs: 660_000, before })

/** As its kubelet shows it once the gate of a run has let it go. */
function running(name: string, run: { ready: boolean; id?: string; version: string }): Pod {
  const gate: ContainerStatus = {
    name: 'startgate-start',
    ready: true,
    restartCount: 0,
    containerID: 'gate-1',
    state: { terminated: { exitCode: 0, containerID: 'gate-1' } },
  }
  const app: ContainerStatus = {
    name: 'app',
    ready: run.ready,
    restartCount: 0,
    containerID: run.id ?? 'containerd://aaaaaaaaaaaa',
    state: { running: {} },
  }
  const pod = madePod(name, { phase: 'Running', initContainerStatuses: [gate], containerStatuses: [app] })
  return { ...pod, metadata: { ...pod.metadata, resourceVersion: run.version } }
}

class CountedLedger extends Ledger {
  readonly #stepped: () => unknown

  constructor(stepped: () => unknown, ...parts: ConstructorParameters<typeof Ledger>) {
    super(...parts)
    this.#stepped = stepped
  }

  override step(...now: Parameters<Ledger['step']>): ReturnType<Ledger['step']> {
    this.#stepped()
    return super.step(...now)
  }
}

/** A service that leads, whose pod `a` has started and is kept as the watch keeps it. */
async function started({ stepped = () => undefined as unknown } = {}) {
  const pods = [madePod('a')]
  const newLedger: NewLedger = (...parts) => new CountedLedger(stepped, ...parts)
  const made = madeService(pods, undefined, { newLedger })
  let last: Pod | undefined
  const show = async (pod: Pod) => {
    pods[0] = pod
    last = shrunk(pod, last)
    made.service.podChanged(pod, last)
    await quiet()
  }
  await made.service.startLeading(1)
  await made.ask('a')
  await quiet()
  await show(running('a', { ready: false, version: '2' }))
  await show(running('a', { ready: true, version: '3' }))
  await vi.advanceTimersByTimeAsync(1_000)
  await quiet()
  const debt = () => made.service.view.usage().find(({ scope }) => scope === 'node/worker-1')?.debt ?? 0
  return { ...made, pods, show, debt }
}

test('a takeover does not look at pods past starting, however many there are', async () => {
  let looks = 0
  const many = Array.from({ length: 1_000 }, (_, i) => {
    const pod = shrunk(running(`p${i}`, { ready: true, version: '1' }))
    expect(pod).toBeInstanceOf(StartedPod)
    return new Proxy(pod, {
      get(target, key) {
        looks++
        return Reflect.get(target, key)
      },
    })
  })
  const { service } = madeService(many)
  await service.startLeading(1)
  await quiet()
  expect([service.isLeading, looks]).toEqual([true, 0])
})

test('of a pod past starting the leader asks the API when its gate comes again, and serves it', async () => {
  const { ask, pods, api } = await started()
  expect(api.leases.size).toBe(0)
  pods[0] = { ...running('a', { ready: false, version: '4' }), status: { phase: 'Pending' } }
  const heard = await ask('a', { attempt: 2 })
  await quiet()
  expect(heard.at(-1)).toMatchObject({ kind: 'granted' })
  expect([...api.leases.keys()]).toEqual(['start.a.2'])
})

test('a container that starts again without a slot counts, one whose probe fails does not', async () => {
  const { show, debt } = await started()
  await show(running('a', { ready: false, version: '4' }))
  expect(debt()).toBe(0)
  await show(running('a', { ready: false, id: 'containerd://bbbbbbbbbbbb', version: '5' }))
  expect(debt()).toBe(1)
})

test('of a pod past starting in which nothing starts anew no decision is made; of any other one is', async () => {
  let steps = 0
  const { show } = await started({ stepped: () => void steps++ })
  const stepsFor = async (pod: Pod): Promise<number> => {
    const before = steps
    await show(pod)
    return steps - before
  }
  expect(await stepsFor(running('a', { ready: true, version: '4' }))).toBe(0)
  expect(await stepsFor(running('a', { ready: false, version: '5' }))).toBe(0)
  expect(await stepsFor(running('a', { ready: false, id: 'containerd://bbbbbbbbbbbb', version: '6' }))).toBe(1)
  expect(await stepsFor(running('a', { ready: true, id: 'containerd://bbbbbbbbbbbb', version: '7' }))).toBe(1)
})

test('of a node of which nothing has changed for anybody no decision is made; of any other one is', async () => {
  let steps = 0
  const { service } = await started({ stepped: () => void steps++ })
  const stepsFor = async (node: Node): Promise<number> => {
    const before = steps
    service.nodeChanged(node)
    await quiet()
    return steps - before
  }
  const annotated = (annotations: Record<string, string>): Node => ({
    ...madeNode(),
    metadata: { ...madeNode().metadata, annotations, resourceVersion: '9' },
  })
  const lost = { ...madeNode(), status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } }
  const shown: Record<string, Node> = {
    heartbeat: { ...madeNode(), metadata: { ...madeNode().metadata, resourceVersion: '9' } },
    'a limit': annotated({ 'startgate.dev/max-starting-per-node': '2' }),
    'the most pressure': annotated({ 'startgate.dev/max-pressure': 'cpu: 40' }),
    lost,
    'an image': { ...madeNode(), status: { images: [{ names: ['docker.io/library/x:1'] }] } },
  }
  for (const [what, node] of Object.entries(shown)) {
    await stepsFor(madeNode())
    expect([what, await stepsFor(node)]).toEqual([what, what === 'heartbeat' ? 0 : 1])
  }
})

test('a Lease of a pod that got past starting while nobody led is found to be over', async () => {
  const pods = [madePod('a')]
  const { service, ask, api } = madeService(pods)
  await service.startLeading(1)
  await ask('a')
  await quiet()
  expect(api.leases.size).toBe(1)
  service.stopLeading()
  const ready = running('a', { ready: true, version: '3' })
  const shown = shrunk(ready)
  service.podChanged(ready, shown)
  // The watch keeps the one, the API has the other.
  let reads = 0
  pods.values = () => [reads++ === 0 ? shown : ready].values()
  await service.startLeading(2)
  await quiet()
  expect(api.leases.size).toBe(0)
})

test('a takeover lets others have their turn between pods, and loses no change of theirs', async () => {
  const starting = (name: string) => running(name, { ready: false, version: '1' })
  const done = (name: string) => running(name, { ready: true, version: '2' })
  const pods = new Map(Array.from({ length: 1_600 }, (_, i) => [`p${i}`, starting(`p${i}`)]))
  const { service } = madeService(pods)
  const show = (pod: Pod): void => {
    pods.set(pod.metadata.uid ?? '', pod)
    service.podChanged(pod)
  }
  const begun = service.startLeading(1)
  // After the first five hundred.
  await new Promise<void>(resolve => setImmediate(resolve))
  expect(service.isLeading).toBe(false)
  for (const name of ['p7', 'p1599']) show(done(name))
  show(starting('new'))
  for (const name of ['p8', 'p1598']) {
    const gone = pods.get(name)
    pods.delete(name)
    if (gone) service.podUnseen(gone)
  }
  await begun
  await quiet()
  expect(service.view.usage().find(({ scope }) => scope === 'node/worker-1')?.debt).toBe(1_600 - 2 + 1 - 2)
})

test('a leadership that is lost while pods are handed in does not begin', async () => {
  const pods = new Map(Array.from({ length: 1_600 }, (_, i) => [`p${i}`, madePod(`p${i}`)]))
  const { service } = madeService(pods)
  const begun = service.startLeading(1)
  await new Promise<void>(resolve => setImmediate(resolve))
  service.stopLeading()
  await begun
  expect(service.isLeading).toBe(false)
})
