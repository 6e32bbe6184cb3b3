import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSidecarGate } from '../../core/passed-gates.ts'
import type { Container, Pod } from '../../core/pod.ts'
import { parseQuantity } from '../../core/quantity.ts'
import { CONDITIONS, type Condition, sequenceGateOf, sequenceOfPod } from '../../core/sequence.ts'
import { withoutOurs } from '../inject/ownership.ts'
import { mutate } from '../mutate/mutate.ts'
import { applied } from '../patch/patch.ts'
import { qosClass } from '../pod/qos.ts'
import { FACTS, podOf } from '../testing/facts.ts'

interface Edge {
  from: string
  to: string
  condition: Condition
}

const NAMES = ['c0', 'c1', 'c2', 'c3', 'c4', 'c5']
const quantity = fc.constantFrom('10m', '100m', '1', '2')
const container = fc.record(
  {
    resources: fc.record({ requests: fc.record({ cpu: quantity }) }, { requiredKeys: [] }),
    env: fc.constant([{ name: 'A', value: 'b' }]),
    volumeMounts: fc.constant([{ name: 'v', mountPath: '/v' }]),
    readinessProbe: fc.constant({ periodSeconds: 1 }),
    future: fc.jsonValue(),
  },
  { requiredKeys: [] },
)
/**
 * Depends only on what is of a lower rank, so there is no cycle; ranks have nothing to do with the order in the pod.
 */
const graphs = fc
  .record({
    containers: fc.array(container, { minLength: 1, maxLength: NAMES.length }),
    ranks: fc.shuffledSubarray(NAMES, { minLength: NAMES.length }),
    pairs: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom(...CONDITIONS))),
    notifying: fc.subarray(NAMES),
    grace: fc.constantFrom(undefined, 0, 5),
    inits: fc.array(fc.record({ restartPolicy: fc.constant('Always') }, { requiredKeys: [] }), { maxLength: 2 }),
  })
  .map(({ containers, ranks, pairs, notifying, grace, inits }) => {
    const names = NAMES.slice(0, containers.length)
    const ordered = ranks.filter(name => names.includes(name))
    const edges = new Map<string, Edge>()
    for (const [a, b, wanted] of pairs) {
      const [low, high] = [a % ordered.length, b % ordered.length].sort((x, y) => x - y)
      const [to, from] = [ordered[low ?? 0] ?? '', ordered[high ?? 0] ?? '']
      const isProbed = containers[names.indexOf(to)]?.readinessProbe !== undefined
      const condition = wanted === 'completed' && (isProbed || notifying.includes(to)) ? 'ready' : wanted
      if (from !== to) edges.set(`${from} ${to}`, { from, to, condition })
    }
    return {
      edges: [...edges.values()],
      pod: podWith({ names, containers, edges: [...edges.values()], notifying, grace, inits }),
    }
  })

interface Shape {
  names: string[]
  containers: object[]
  edges: Edge[]
  notifying: string[]
  grace: number | undefined
  inits: object[]
}

function podWith({ names, containers, edges, notifying, grace, inits }: Shape): Pod {
  const dependsOn: Record<string, Record<string, string>> = {}
  for (const { from, to, condition } of edges) dependsOn[from] = { ...dependsOn[from], [to]: condition }
  const readiness = Object.fromEntries(notifying.filter(n => names.includes(n)).map(n => [n, 'notify']))
  const annotations = {
    'startgate.dev/depends-on': JSON.stringify(dependsOn),
    'startgate.dev/readiness': JSON.stringify(readiness),
  }
  const pod = podOf(
    {
      containers: containers.map((c, i) => ({ ...c, name: names[i] ?? '', image: `i${i}` })),
      ...(inits.length > 0 && { initContainers: inits.map((c, i) => ({ ...c, name: `init${i}`, image: 'x' })) }),
      ...(grace !== undefined && { terminationGracePeriodSeconds: grace }),
      volumes: [{ name: 'v', emptyDir: {} }],
    },
    { annotations },
  )
  return JSON.parse(JSON.stringify(pod))
}

function after(pod: Pod, facts = FACTS): Pod {
  const outcome = mutate(pod, 'shop', facts)
  if (outcome.kind !== 'patched') throw new Error(JSON.stringify(outcome))
  return applied(pod, outcome.operations)
}

const list = (pod: Pod) => (pod.spec.initContainers ?? []).map(c => c.name)

test('what a container waits for is before its gate and in its stage; the user’s pod is whole; twice is once', () => {
  fc.assert(
    fc.property(graphs, ({ pod, edges }) => {
      const before = JSON.stringify(pod)
      const once = after(pod)
      expect(JSON.stringify(pod)).toBe(before)
      expect(withoutOurs(once).spec).toEqual({ ...pod.spec, volumes: once.spec.volumes })
      expect(qosClass(once)).toBe(qosClass(pod))
      expect(after(once)).toEqual(once)
      const inits = list(once)
      expect(inits[0]).toBe('startgate-pull')
      expect(inits.at(-1)).toBe('startgate-start')
      const sequence = sequenceOfPod(once)
      if (edges.length > 0) expect(sequence).toBeDefined()
      if (!sequence) return
      const staged = sequence.stages.flatMap(stage => stage.containers)
      expect(staged.toSorted()).toEqual(pod.spec.containers.map(c => c.name).toSorted())
      for (const { from, to, condition } of edges) {
        const stage = sequence.stages.find(({ containers }) => containers.includes(from))
        expect(stage?.dependsOn).toContainEqual({ container: to, condition })
        expect(inits.indexOf(to)).toBeGreaterThan(0)
        expect(inits.indexOf(to)).toBeLessThan(inits.indexOf(stage?.gate ?? ''))
        expect(inits.indexOf(to)).toBe(inits.indexOf(sequenceGateOf(to)) + 1)
      }
      const moved = new Set(edges.map(edge => edge.to))
      expect(once.spec.containers.map(c => c.name)).toEqual(
        pod.spec.containers.map(c => c.name).filter(name => !moved.has(name)),
      )
    }),
    { numRuns: 400 },
  )
})

/** Source: KEP-753, "Resources calculation for scheduling and pod admission". */
function effectiveCpu({ spec }: Pod): number {
  const cpuOf = (c: Container) => parseQuantity(c.resources?.requests?.cpu) ?? 0
  let sidecars = 0
  let most = 0
  for (const c of spec.initContainers ?? []) {
    if (c.restartPolicy === 'Always') sidecars += cpuOf(c)
    most = Math.max(most, c.restartPolicy === 'Always' ? sidecars : sidecars + cpuOf(c))
  }
  return Math.max(most, sidecars + spec.containers.reduce((sum, c) => sum + cpuOf(c), 0))
}

test('the pod asks for no more than before and the agent’s share', () => {
  fc.assert(
    fc.property(graphs, ({ pod }) => {
      const once = after(pod)
      const agent = once.spec.initContainers?.find(c => c.name === 'startgate')
      const share = parseQuantity(agent?.resources?.requests?.cpu) ?? 0
      expect(effectiveCpu(once)).toBeLessThanOrEqual(effectiveCpu(pod) + share + 1e-9)
    }),
  )
})

test('gates that stay cost next to nothing, keep the class and the user’s pod, and are made and unmade as is known', () => {
  const staying = { ...FACTS, hasSidecarGates: () => true }
  fc.assert(
    fc.property(graphs, ({ pod }) => {
      const once = after(pod, staying)
      const ended = after(pod)
      const sequenced = sequenceOfPod(once)
      const gates = (once.spec.initContainers ?? []).filter(isSidecarGate)
      const stays = sequenced !== undefined && qosClass(pod) !== 'Guaranteed'
      expect(gates.map(c => c.name)).toEqual(stays ? sequenced.stages.map(({ gate }) => gate) : [])
      expect(list(once)).toEqual(list(ended))
      expect(effectiveCpu(once)).toBeLessThanOrEqual(effectiveCpu(ended) + 0.005 * gates.length + 1e-9)
      expect(qosClass(once)).toBe(qosClass(pod))
      expect(withoutOurs(once).spec).toEqual({ ...pod.spec, volumes: once.spec.volumes })
      expect(after(once, staying)).toEqual(once)
      // A replica of the webhook that knows less, or of the version before, sees the pod again.
      expect(after(once)).toEqual(ended)
      expect(after(ended, staying)).toEqual(once)
    }),
    { numRuns: 300 },
  )
})

test('whatever other webhooks make of the list of init containers in between, all is in its place again', () => {
  fc.assert(
    fc.property(graphs, fc.array(fc.nat(), { minLength: 1 }), ({ pod }, order) => {
      const once = after(pod)
      const late: Container = { name: 'late', image: 'late' }
      const all = [...(once.spec.initContainers ?? []), late].map((c, i) => ({ c, at: order[i % order.length] ?? i }))
      const initContainers = all.toSorted((a, b) => a.at - b.at).map(({ c }) => c)
      const between = { ...once, spec: { ...once.spec, initContainers } }
      const names = (p: Pod) =>
        [...list(p), ...p.spec.containers.map(c => c.name)].filter(n => !/^init|^startgate-image/.test(n))
      // Moved containers come back in another order only where nothing says which.
      expect(names(after(between)).toSorted()).toEqual([...names(once), 'late'].toSorted())
      expect(sequenceOfPod(after(between))).toEqual(sequenceOfPod(once))
      expect(after(after(between))).toEqual(after(between))
    }),
  )
})

test('a cycle is denied, and the sentence shows it', () => {
  const pair = fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 2, maxLength: 5 })
  fc.assert(
    fc.property(pair, names => {
      const edges = names.map((from, i) => ({
        from,
        to: names[(i + 1) % names.length] ?? '',
        condition: 'started' as const,
      }))
      const pod = podWith({
        names: NAMES,
        containers: NAMES.map(() => ({})),
        edges,
        notifying: [],
        grace: undefined,
        inits: [],
      })
      const outcome = mutate(pod, 'shop', FACTS)
      expect(outcome.kind).toBe('denied')
      const [problem = ''] = outcome.kind === 'denied' ? outcome.problems : []
      const path = (/"(.*)"/.exec(problem)?.[1] ?? '').split(' → ')
      expect(path[0]).toBe(path.at(-1))
      expect(path.slice(1).toSorted()).toEqual(names.toSorted())
    }),
  )
})

test('whatever is written into the annotations, the answer is a pod or a sentence', () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom('web: [web]', '&a [*a]', 'web: {<<: *x}', '__proto__: [web]', '? [a]\n: b'),
  )
  fc.assert(
    fc.property(fc.constantFrom('depends-on', 'readiness', 'after', 'helpers'), text, (key, value) => {
      const outcome = mutate(podOf({}, { annotations: { [`startgate.dev/${key}`]: value } }), 'shop', FACTS)
      expect(['patched', 'denied']).toContain(outcome.kind)
    }),
    { numRuns: 1000 },
  )
})
