import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { START_GATE } from '../../core/names.ts'
import type { Node, Pod } from '../../core/pod.ts'
import { agentCommand, sequenceGateCommand } from '../../core/pod-scripts.ts'
import { sequenceOfPod } from '../../core/sequence.ts'
import { sidecarGateCommand, sidecarGateProbeCommand } from '../../core/sidecar-gate-script.ts'
import { NodeImages } from '../cluster/node-images.ts'
import type { InjectSettings, NamespaceFacts } from '../cluster/settings.ts'
import { withoutOurs } from '../inject/ownership.ts'
import { applied } from '../patch/patch.ts'
import { qosClass } from '../pod/qos.ts'
import { NAMESPACE, SETTINGS } from '../testing/facts.ts'
import { type MutateFacts, mutate } from './mutate.ts'

/**
 * Every folder is a case: pod.yaml, what becomes of it in want.yaml, and where needed what differs from these facts.
 */
const root = new URL('../testdata/', import.meta.url)
interface Context {
  requestNamespace?: string
  settings?: Partial<InjectSettings>
  namespace?: Partial<NamespaceFacts>
  nodes?: Node[]
  hasSidecarGates?: boolean
}

const read = (path: string) => parse(readFileSync(new URL(path, root), 'utf8'))

function load(name: string): { pod: Pod; namespace: string; facts: MutateFacts } {
  const context: Context = existsSync(new URL(`${name}/context.yaml`, root)) ? read(`${name}/context.yaml`) : {}
  const images = new NodeImages()
  for (const node of context.nodes ?? []) images.set(node)
  return {
    pod: read(`${name}/pod.yaml`),
    namespace: context.requestNamespace ?? 'shop',
    facts: {
      settings: { ...SETTINGS, ...context.settings },
      namespace: { ...NAMESPACE, ...context.namespace },
      everywhereFor: pod => images.everywhereFor(pod),
      hasSidecarGates: () => context.hasSidecarGates === true,
    },
  }
}

/** The shell scripts have tests of their own, and would be in here a hundred times. */
function withoutScripts(report: object): object {
  const commands = [agentCommand([]), sequenceGateCommand(START_GATE), sidecarGateCommand(START_GATE)]
  const scripts = new Set([...commands, sidecarGateProbeCommand(START_GATE)].map(([, , , script]) => script))
  return JSON.parse(JSON.stringify(report, (_, value) => (scripts.has(value) ? '(script)' : value)))
}

const cases = readdirSync(root)

test('there are cases, and nothing in testdata that no case reads', () => {
  expect(cases.length).toBeGreaterThanOrEqual(70)
  const files = cases.flatMap(name => readdirSync(new URL(`${name}/`, root)).map(file => `${name}/${file}`))
  expect(files.filter(file => !/\/(pod|want|context)\.yaml$/.test(file))).toEqual([])
})

describe.each(cases)('%s', name => {
  const { pod, namespace, facts } = load(name)
  const before = JSON.stringify(pod)
  const outcome = mutate(pod, namespace, facts)
  const after = outcome.kind === 'patched' ? applied(pod, outcome.operations) : pod

  test('gives the wanted pod', async () => {
    const { kind, ...rest } = outcome
    const { operations, ...said } = { operations: [], ...rest }
    const paths = operations.map(({ op, path }) => `${op} ${path}`)
    const report = { outcome: kind, ...said, ...(paths.length > 0 && { operations: paths, pod: after }) }
    await expect(stringify(withoutScripts(report), { lineWidth: 0, aliasDuplicateObjects: false })).toMatchFileSnapshot(
      `../testdata/${name}/want.yaml`,
    )
  })

  test('leaves the input as it is, and of the user’s containers all that they are', () => {
    expect(JSON.stringify(pod)).toBe(before)
    const now = withoutOurs(after).spec
    const then = withoutOurs(pod).spec
    expect(now.containers).toEqual(then.containers)
    expect(now.initContainers).toEqual(then.initContainers)
    expect(now.terminationGracePeriodSeconds).toBe(then.terminationGracePeriodSeconds)
    const all = [...(after.spec.initContainers ?? []), ...after.spec.containers]
    if (sequenceOfPod(after))
      expect(all.map(c => c.name)).toEqual(expect.arrayContaining(then.containers.map(c => c.name)))
    else expect(JSON.stringify(after.spec.containers)).toBe(JSON.stringify(pod.spec.containers))
  })

  test('is done once: a second time changes nothing', () => {
    const again = mutate(after, namespace, facts)
    if (outcome.kind === 'patched') expect(again).toEqual({ ...outcome, operations: [] })
    else expect(again).toEqual(outcome)
  })

  test('keeps the QoS class', () => {
    expect(qosClass(after)).toBe(qosClass(withoutOurs(pod)))
  })

  test('takes one operation a thing that is added', () => {
    if (outcome.kind !== 'patched' || sequenceOfPod(after)) return
    const gates = (after.spec.initContainers?.length ?? 0) - (pod.spec.initContainers?.length ?? 0)
    const most = (pod.spec.initContainers ? gates : 1) + (pod.spec.volumes ? 2 : 1) + 2
    if (withoutOurs(pod).spec.initContainers?.length === pod.spec.initContainers?.length) {
      expect(outcome.operations.length).toBe(most)
    }
  })
})
