import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Node, Pod } from '../../../core/pod.ts'
import { DEFAULT_SETTINGS } from '../limits/cluster-settings.ts'
import { imageKeyOf } from '../pods/image-key.ts'
import { ticketOf } from '../pods/ticket-from-pod.ts'
import { scopeState } from '../state/scope-state.ts'
import { Ledger } from './ledger.ts'

const IMAGE = 'registry.example/app:1'

/** A cluster in which nothing but the ramp holds a pull back. */
class Cluster {
  readonly ledger: Ledger
  readonly pulling = new Map<string, Pod>()
  /** Those that ride on a pull of their node: when it fails for the one that has the slot, it goes on for them. */
  readonly riding = new Map<string, Pod>()
  /** By image: nodes that have it, as pods there have shown. */
  readonly have = new Map<string, Set<string>>()
  readonly nodes = new Set<string>()
  nowMs = 0

  constructor(pullRamp = true) {
    const rest = { cluster: { maxPulling: 100_000 }, namespaceShare: 1 }
    this.ledger = new Ledger({ ...DEFAULT_SETTINGS, pullRamp, ...rest })
  }

  addNode(name: string, images: string[] = []): void {
    for (const image of images) this.#add(image, name)
    this.nodes.add(name)
    this.ledger.upsertNode(node(name, images))
  }

  /** With its pods. */
  removeNode(name: string): void {
    this.nodes.delete(name)
    for (const nodes of this.have.values()) nodes.delete(name)
    this.ledger.removeNode(name)
    for (const [uid, { spec }] of pods) {
      if (spec.nodeName !== name) continue
      for (const known of [pods, this.pulling, this.riding]) known.delete(uid)
      this.ledger.withdraw(`pull.${uid}.1`)
      this.ledger.removePod(uid)
    }
  }

  /** Its gate asks. */
  create(uid: string, nodeName: string, images: string[], namespace = 'shop'): Pod {
    const pod = podOf(uid, nodeName, images, namespace)
    this.ledger.upsertPod(pod)
    const ticket = ticketOf(pod, { gate: 'startgate-pull', attempt: 1 })
    if ('refused' in ticket) throw new Error(ticket.refused)
    this.ledger.ask(ticket, this.nowMs)
    return pod
  }

  /** What is granted now; each grant is checked against what the cluster has. */
  step(): number {
    const step = this.ledger.step(++this.nowMs, 1)
    for (const { grant } of step.releases) this.pulling.delete(grant.podUid)
    for (const grant of step.grants) {
      this.ledger.withdraw(grant.key)
      const pod = pods.get(grant.podUid)
      if (pod) (grant.slots > 0 ? this.pulling : this.riding).set(grant.podUid, pod)
    }
    return step.grants.length
  }

  /** Nodes that have it not and pull it: of a pod's images those that its node has are not pulled. */
  pullersOf(image: string): number {
    const nodes = [...this.pulling.values()].flatMap(pod =>
      imagesOf(pod).includes(image) ? (pod.spec.nodeName ?? []) : [],
    )
    return new Set(nodes).difference(this.have.get(image) ?? new Set()).size
  }

  /** The pull ends: its images are on the node. */
  done(uid: string): void {
    const pod = pods.get(uid)
    if (!pod) return
    this.riding.delete(uid)
    for (const image of imagesOf(pod)) this.#add(image, pod.spec.nodeName ?? '')
    this.ledger.upsertPod({ ...pod, status: pulled(pod, { running: {} }, 'sha256:1') })
  }

  fail(uid: string): void {
    const pod = pods.get(uid)
    if (pod) this.ledger.upsertPod({ ...pod, status: pulled(pod, { waiting: { reason: 'ImagePullBackOff' } }) })
  }

  #add(image: string, nodeName: string): void {
    this.have.set(image, (this.have.get(image) ?? new Set()).add(nodeName))
  }
}

const pods = new Map<string, Pod>()
const imagesOf = ({ spec }: Pod) => spec.containers.map(({ image = '' }) => image)
const node = (name: string, images: string[]): Node => ({
  metadata: { name },
  status: { capacity: { cpu: '4' }, conditions: [{ type: 'Ready', status: 'True' }], images: [{ names: images }] },
})

function podOf(uid: string, nodeName: string, images: string[], namespace = 'shop'): Pod {
  const steps = images.map((image, i) => ({ name: `startgate-image-${i}`, image }))
  const pod: Pod = {
    metadata: { uid, name: uid, namespace, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      nodeName,
      initContainers: [{ name: 'startgate-pull', image: 'g:1' }, ...steps, { name: 'startgate-start', image: 'g:1' }],
      containers: images.map((image, i) => ({ name: `app-${i}`, image })),
    },
  }
  pods.set(uid, pod)
  return pod
}

function pulled({ metadata: { uid = '' }, spec }: Pod, state: object, imageID?: string): NonNullable<Pod['status']> {
  const common = { ready: false, restartCount: 0 }
  const terminated = { exitCode: 0, containerID: `${uid}-gate`, finishedAt: '2026-01-01T00:00:01Z' }
  const gate = { ...common, name: 'startgate-pull', containerID: `${uid}-gate`, state: { terminated } }
  const steps = (spec.initContainers ?? []).flatMap(({ name }) =>
    name.startsWith('startgate-image-')
      ? [{ ...common, name, state, ...(imageID && { imageID, containerID: `${uid}-${name}` }) }]
      : [],
  )
  return { initContainerStatuses: [gate, ...steps] }
}

test('one node pulls, then two, then twice as many as have it', () => {
  const cluster = new Cluster()
  for (let i = 0; i < 20; i++) cluster.addNode(`n${i}`)
  for (let i = 0; i < 20; i++) cluster.create(`u${i}`, `n${i}`, [IMAGE])
  const waves: number[] = []
  while (cluster.step() > 0) {
    waves.push(cluster.pullersOf(IMAGE))
    for (const uid of cluster.pulling.keys()) cluster.done(uid)
  }
  expect(waves).toEqual([1, 2, 6, 11])
})

test('a node that comes to list the image lets one more go, though no slot comes back', () => {
  const cluster = new Cluster()
  for (const name of ['a', 'b', 'c', 'd']) cluster.addNode(name)
  for (const name of ['b', 'c', 'd']) cluster.create(name, name, [IMAGE])
  expect([cluster.step(), cluster.step(), cluster.step()]).toEqual([1, 0, 0])
  cluster.addNode('a', [IMAGE])
  expect(cluster.step()).toBe(1)
})

test('who pulls without a ramp counts for whoever has one, from the very decision that lets it go', () => {
  const cluster = new Cluster(false)
  cluster.ledger.setNamespace('careful', { pullRamp: true })
  for (const name of ['a', 'b', 'c']) cluster.addNode(name)
  cluster.create('a', 'a', [IMAGE])
  for (const name of ['b', 'c']) cluster.create(name, name, [IMAGE], 'careful')
  expect([cluster.step(), ...cluster.pulling.keys()]).toEqual([1, 'a'])
  cluster.done('a')
  expect(cluster.step()).toBe(2)
})

test('who waits is told by the name of the image, and the state has it', () => {
  const cluster = new Cluster()
  for (const name of ['a', 'b', 'c', 'd']) cluster.addNode(name, name === 'a' ? [IMAGE] : [])
  for (const name of ['b', 'c', 'd']) cluster.create(name, name, [IMAGE])
  const { waiting } = cluster.ledger.step(0, 1)
  expect(waiting.map(({ reason }) => reason)).toEqual([`pull: image ${IMAGE} is on 1 node, 2 pull it; next in line`])
  const fact = cluster.ledger
    .view()
    .scopes()
    .find(({ ref }) => ref.at.kind === 'image')
  expect(fact && scopeState(fact, { slots: 1, gates: 1, inUse: 2 })).toMatchObject({
    ...{ id: `pull:image/${imageKeyOf(IMAGE)}`, kind: 'image', name: IMAGE, held: 2, limit: 2 },
    source: "limits.pullRamp: true in the chart's values",
  })
  expect(cluster.ledger.usage().filter(({ scope }) => scope.startsWith('image/'))).toEqual([])
})

test('an image that can never be pulled holds nobody who wants another, and is tried node by node', () => {
  const cluster = new Cluster()
  const names = Array.from({ length: 9 }, (_, i) => `n${i}`)
  for (const name of names) cluster.addNode(name)
  for (const name of names.slice(0, 6)) cluster.create(`bad-${name}`, name, ['registry.example/bad:1'])
  for (const name of names.slice(6)) cluster.create(`good-${name}`, name, [IMAGE])
  const tried: string[] = []
  while (cluster.step() > 0) {
    for (const uid of cluster.pulling.keys()) {
      tried.push(uid)
      if (uid.startsWith('bad')) cluster.fail(uid)
      else cluster.done(uid)
    }
  }
  expect(tried.filter(uid => uid.startsWith('good'))).toHaveLength(3)
  expect(tried.slice(0, 4).filter(uid => uid.startsWith('good'))).toHaveLength(2)
  expect(new Set(tried.filter(uid => uid.startsWith('bad'))).size).toBe(6)
})

test('a name that breaks lines does not get into a sentence', () => {
  const cluster = new Cluster()
  cluster.addNode('a')
  cluster.addNode('b')
  for (const name of ['a', 'b']) cluster.create(name, name, [`registry.example/a\n\u0007${'x'.repeat(2_000)}:1`])
  const [row] = cluster.ledger.step(0, 1).waiting
  expect(row?.reason).toMatch(/^pull: image registry\.example\/a\?\?x{170,}… is on no node, 1 pulls it; next in line$/)
})

const IMAGES = ['a/x:1', 'a/y:1', 'b/z:1']
const act = fc.record({
  kind: fc.constantFrom('create', 'create', 'create', 'done', 'done', 'fail', 'node-gone', 'nothing'),
  node: fc.nat(11),
  images: fc.uniqueArray(fc.constantFrom(...IMAGES), { minLength: 1, maxLength: 2 }),
  pick: fc.nat(50),
})
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never

function perform(cluster: Cluster, { kind, node: at, images, pick }: Act, uid: string): void {
  const pulling = [...cluster.pulling.keys()][pick % Math.max(1, cluster.pulling.size)] ?? ''
  if (kind === 'create' && cluster.nodes.has(`n${at}`)) cluster.create(uid, `n${at}`, images)
  else if (kind === 'done') cluster.done(pulling)
  else if (kind === 'fail') cluster.fail(pulling)
  else if (kind === 'node-gone' && pick < 5) cluster.removeNode(`n${at}`)
}

/** One step, after which no more nodes pull than may; those that did before are not called back when a node goes. */
function checkedStep(cluster: Cluster): number {
  const before = IMAGES.map(image => cluster.pullersOf(image))
  const granted = cluster.step()
  for (const [i, image] of IMAGES.entries()) {
    const most = Math.max(1, 2 * (cluster.have.get(image)?.size ?? 0), before[i] ?? 0)
    expect(cluster.pullersOf(image)).toBeLessThanOrEqual(most)
  }
  return granted
}

test('whatever happens, no more nodes pull an image than twice those that have it, and all pull it in the end', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120, size: 'max' }), acts => {
      pods.clear()
      const cluster = new Cluster()
      for (let i = 0; i < 12; i++) cluster.addNode(`n${i}`)
      for (const [i, each] of acts.entries()) {
        perform(cluster, each, `u${i}`)
        checkedStep(cluster)
      }
      const { pulling, riding } = cluster
      for (let i = 0; i < 500 && (checkedStep(cluster) > 0 || pulling.size + riding.size > 0); i++)
        for (const uid of [...pulling.keys(), ...riding.keys()]) cluster.done(uid)
      expect(cluster.ledger.step(cluster.nowMs + 1, 1).waiting).toEqual([])
    }),
  )
})
