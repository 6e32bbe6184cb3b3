import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Container, Pod } from '../../core/pod.ts'
import { withoutOurs } from '../inject/ownership.ts'
import { applied } from '../patch/patch.ts'
import { asPod } from '../pod/pod-shape.ts'
import { qosClass } from '../pod/qos.ts'
import { FACTS, NAMESPACE, SETTINGS } from '../testing/facts.ts'
import { type MutateFacts, mutate } from './mutate.ts'

const quantity = fc.constantFrom('0', '10m', '0.5', '2', '16Mi', '64Mi', '96Mi', '128974848', '1e9', '4Gi')
const list = fc.dictionary(fc.constantFrom('cpu', 'memory', 'ephemeral-storage', 'nvidia.com/gpu'), quantity)
const resources = fc.record({ requests: list, limits: list }, { requiredKeys: [] })
/** What `guaranteed` gives is what pinned workloads have in all their containers. */
const guaranteed = fc.constant({ limits: { cpu: '1', memory: '1Gi' } })
const container = fc.record(
  {
    name: fc.oneof(
      fc.string({ minLength: 1, maxLength: 8 }),
      fc.constantFrom('istio-init', 'istio-proxy', 'linkerd-proxy'),
    ),
    image: fc.constantFrom('a', 'a:latest', 'docker.io/library/a', 'b:1', 'b@sha256:0', ''),
    imagePullPolicy: fc.constantFrom('Always', 'IfNotPresent', 'Never'),
    resources: fc.oneof(resources, guaranteed),
    securityContext: fc.dictionary(fc.string(), fc.jsonValue()),
    restartPolicy: fc.constant('Always'),
    future: fc.jsonValue(),
  },
  { requiredKeys: ['name'] },
)
const texts = fc.dictionary(fc.string(), fc.string())
const pods = fc
  .record(
    {
      metadata: fc.record({ name: fc.string(), labels: texts, annotations: texts }, { requiredKeys: [] }),
      spec: fc.record(
        {
          containers: fc.array(container, { minLength: 1, maxLength: 4 }),
          initContainers: fc.oneof(fc.constant(null), fc.array(container, { maxLength: 4 })),
          volumes: fc.array(fc.record({ name: fc.string(), emptyDir: fc.constant({}) })),
          resources,
          hostNetwork: fc.boolean(),
        },
        { requiredKeys: ['containers'] },
      ),
      extra: fc.jsonValue(),
    },
    { requiredKeys: ['metadata', 'spec'] },
  )
  .map(pod => JSON.parse(JSON.stringify(pod)) as Pod)

const RANGE = { type: 'Container', min: { cpu: '1m' }, default: { memory: '64Mi' } }

/** Of the containers above, as nodes name them: with all of them there, a pod needs no image step. */
const EVERY_IMAGE = ['docker.io/library/a:latest', 'docker.io/library/b:1', 'docker.io/library/b@sha256:0']

const facts: fc.Arbitrary<MutateFacts> = fc
  .record({
    image: fc.constantFrom('startgate:1', 'startgate:2'),
    runAsUser: fc.constantFrom(null, 65532),
    hasLimitRange: fc.boolean(),
    hasResourceQuota: fc.boolean(),
    isKnown: fc.boolean(),
    everywhere: fc.constantFrom<string[]>([], ['docker.io/library/a:latest'], EVERY_IMAGE),
  })
  .map(({ hasLimitRange, hasResourceQuota, isKnown, everywhere, ...settings }) => ({
    settings: { ...SETTINGS, ...settings },
    namespace: { ...NAMESPACE, hasLimitRange, hasResourceQuota, ...(isKnown && { limitRanges: [RANGE] }) },
    everywhereFor: () => image => everywhere.includes(image),
  }))

/** The result, or the pod itself when it was not patched. */
function after(pod: Pod, known: MutateFacts): Pod {
  const outcome = mutate(pod, 'shop', known)
  if (outcome.kind === 'unchanged') expect(outcome.sentence).not.toContain('fault')
  return outcome.kind === 'patched' ? applied(pod, outcome.operations) : pod
}

/** Another webhook between two calls of ours: takes any init containers, ours too, to any places, and adds some. */
function shuffled(pod: Pod, order: number[], added: Container[]): Pod {
  const all = [...(pod.spec.initContainers ?? []), ...added].map((c, i) => ({ c, at: order[i % order.length] ?? i }))
  return { ...pod, spec: { ...pod.spec, initContainers: all.toSorted((a, b) => a.at - b.at).map(({ c }) => c) } }
}

test('no pod is harmed: what is the user’s stays, gates are first and last, and twice is once', () => {
  fc.assert(
    fc.property(pods, facts, (pod, known) => {
      const before = JSON.stringify(pod)
      const once = after(pod, known)
      expect(JSON.stringify(pod)).toBe(before)
      expect(qosClass(once)).toBe(qosClass(pod))
      expect(once.spec.containers).toEqual(pod.spec.containers)
      expect(withoutOurs(once).spec.initContainers ?? []).toEqual(pod.spec.initContainers ?? [])
      expect(once.spec.volumes?.slice(0, pod.spec.volumes?.length ?? 0) ?? []).toEqual(pod.spec.volumes ?? [])
      if (once !== pod) expect(once.spec.initContainers?.at(-1)?.name).toBe('startgate-start')
      expect(after(once, known)).toEqual(once)
    }),
    { numRuns: 300 },
  )
})

/** A gate's fields that others may add to, resources and rights, are left out. */
const essence = (pod: Pod) =>
  pod.spec.initContainers?.map(({ name, image, command, env, restartPolicy }) => ({
    ...{ name, image, command, env, restartPolicy },
  }))

test('from whatever other webhooks, or another version of us, made of a gated pod, the result is as if made at once', () => {
  const orders = fc.array(fc.nat(), { minLength: 1 })
  const meddling = fc.record({ earlier: facts, order: orders, added: fc.array(container) })
  fc.assert(
    fc.property(pods, facts, meddling, (pod, known, { earlier, order, added }) => {
      const between = shuffled(after(pod, earlier), order, JSON.parse(JSON.stringify(added)))
      const result = after(between, known)
      // One that cannot be gated now stays as it came.
      if (result === between) return
      expect(essence(result)).toEqual(essence(after(withoutOurs(between), known)))
      expect(after(result, known)).toEqual(result)
    }),
    { numRuns: 300 },
  )
})

test('the operations say only add, replace and remove, at plain indexes', () => {
  fc.assert(
    fc.property(pods, facts, (pod, known) => {
      const outcome = mutate(pod, 'shop', known)
      for (const { op, path } of outcome.kind === 'patched' ? outcome.operations : []) {
        expect(['add', 'replace', 'remove']).toContain(op)
        expect(path).toMatch(/^\/(metadata|spec)\/[a-zA-Z]+(\/(\d+|[^/]+))?$/)
      }
    }),
  )
})

test('whatever JSON passes for a pod, nothing is thrown', () => {
  const almost = fc.record(
    { metadata: fc.object({ key: fc.constantFrom('labels', 'annotations', 'ownerReferences', 'name') }), spec: fc.jsonValue() },
  ) // biome-ignore format: one line
  fc.assert(
    fc.property(fc.oneof(almost, pods), value => {
      const pod = asPod(value)
      if (pod) mutate(pod, 'shop', FACTS)
    }),
  )
})
