import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { clusterSettings } from '../manifest/cluster-settings.ts'
import { objectsIn } from '../manifest/objects.ts'
import { ran } from '../testing/made-io.ts'
import { injected } from './inject.ts'
import { lint } from './lint.ts'

const config = clusterSettings({})
const report = (text: string, settings = config) =>
  lint(objectsIn([{ file: 'f', text }]), { config: settings, namespace: 'shop' })
const yaml = (...objects: object[]) => objects.map(object => stringify(object)).join('---\n')

const CONTAINER = { name: 'web', image: 'nginx:1' }
const namespace = (changes: object) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop', ...changes } })
const OPTED_IN = { labels: { 'startgate.dev/injection': 'enabled' } }
const template = (metadata: object = {}, spec: object = {}) => ({
  metadata,
  spec: { containers: [CONTAINER], ...spec },
})
const workload = (kind: string, pod: object, metadata: object = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name: 'web', ...metadata },
  spec: kind === 'CronJob' ? { jobTemplate: { spec: { template: pod } } } : { template: pod },
})
const annotated = (annotations: object) => template({ annotations })

describe("every golden case of the webhook that needs no cluster's facts has the same verdict", () => {
  const root = new URL('../../webhook/testdata/', import.meta.url)
  // What the cases named waiter-… have for a context is the chart's default; the others are without waiters.
  const isThroughWaiter = (name: string): boolean => name.startsWith('waiter-')
  const cases = readdirSync(root).filter(
    name => isThroughWaiter(name) || !existsSync(new URL(`${name}/context.yaml`, root)),
  )
  test.each(cases)('%s', name => {
    const pod = parse(readFileSync(new URL(`${name}/pod.yaml`, root), 'utf8'))
    const want = parse(readFileSync(new URL(`${name}/want.yaml`, root), 'utf8'))
    const settings = isThroughWaiter(name) ? config : { ...config, nodeWaiter: null }
    const [finding] = report(yaml({ apiVersion: 'v1', kind: 'Pod', ...pod }), settings).findings
    const verdicts: Record<string, string> = { patched: 'gated', unchanged: 'ungated' }
    expect(finding?.verdict).toBe(verdicts[want.outcome] ?? want.outcome)
    const said =
      want.problems ?? want.reasons ?? (want.warnings as string[] | undefined)?.map(w => w.replace('startgate: ', ''))
    const sentences = finding?.messages.map(({ sentence }) => (want.reasons ? sentence.split(':')[0] : sentence))
    expect(sentences).toEqual(want.sentence ? [want.sentence] : said)
  })
  test('there are such cases', () => expect(cases.length).toBeGreaterThan(50))
})

const TYPO = { 'startgate.dev/start-timeout': '5 minutes' }
const table: Record<string, { given: object[]; want: [verdict: string, ...sentences: RegExp[]] }> = {
  'a Deployment without anything of ours': { given: [workload('Deployment', template())], want: ['gated'] },
  'a bad annotation in a template': {
    given: [workload('StatefulSet', annotated(TYPO))],
    want: ['denied', /"5 minutes" is not a valid duration; use 90s or 2m$/],
  },
  'a pod that waits for its own Deployment': {
    given: [workload('Deployment', annotated({ 'startgate.dev/after': 'deployment/web' }))],
    want: ['denied', /deployment\/web.*own workload/],
  },
  'a CronJob whose order needs helpers': {
    given: [
      workload(
        'CronJob',
        template(
          { annotations: { 'startgate.dev/depends-on': 'web: [db]' } },
          { restartPolicy: 'Never', containers: [CONTAINER, { name: 'db', image: 'db:1' }] },
        ),
      ),
    ],
    want: ['denied', /under restartPolicy Never/],
  },
  'a DaemonSet on the network of its host': {
    given: [workload('DaemonSet', template({}, { hostNetwork: true }))],
    want: ['skipped', /^HostNetworkDaemonSet: /],
  },
  'a namespace in the files that has not opted in': {
    given: [namespace({}), workload('Deployment', template())],
    want: ['skipped', /^NamespaceNotOptedIn: /],
  },
  'a namespace in the files that is off': {
    given: [namespace({ ...OPTED_IN, annotations: { 'startgate.dev/mode': 'off' } }), workload('Job', template())],
    want: ['skipped', /^ModeOff: /],
  },
  'a LimitRange in the files that leaves a gate no room': {
    given: [
      namespace(OPTED_IN),
      { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'l' }, spec: { limits: [{ type: 'Container', max: { memory: '16Mi' } }] } },
      workload('Deployment', template({}, { containers: [{ ...CONTAINER, resources: { limits: { memory: '16Mi' } } }] })),
    ],
    want: ['ungated', /LimitRange/],
  },
  'an annotation on the workload itself': {
    given: [workload('Deployment', template(), { annotations: { 'startgate.dev/after': 'job/x:completed' } })],
    want: ['gated', /startgate.dev\/after on the Deployment itself counts for nothing; use spec.template.metadata.annotations/],
  },
  'a template that is none': {
    given: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' }, spec: { template: { spec: { containers: 3 } } } }],
    want: ['ungated', /refused by the API server: spec\.containers is 3; use a list$/],
  },
} // biome-ignore format: a table
test.each(Object.entries(table))('%s', (_, { given, want: [verdict, ...sentences] }) => {
  const finding = report(yaml(...given)).findings.at(-1)
  expect(finding?.verdict).toBe(verdict)
  expect(finding?.messages).toHaveLength(sentences.length)
  for (const [i, sentence] of sentences.entries()) expect(finding?.messages[i]?.sentence).toMatch(sentence)
})

test('namespaces: what counts for nothing', () => {
  const given = namespace({
    labels: { 'startgate.dev/injection': 'true' },
    annotations: { 'startgate.dev/max-starting': 'two', 'startgate.dev/max-start': '2' },
  })
  const [finding] = report(yaml(given)).findings
  expect(finding?.messages.map(({ sentence }) => sentence)).toEqual([
    expect.stringMatching(/^counts for nothing: startgate.dev\/max-starting: "two" is not a valid/),
    expect.stringMatching(/^counts for nothing: startgate.dev\/max-start: .* is not an annotation of startgate here/),
    'startgate.dev/injection: "true" does not opt the namespace in; use enabled',
  ])
})

test('namespaces of pods that are not in the files are told, as they are taken for opted in', () => {
  const elsewhere = { ...workload('Job', template()), metadata: { name: 'j', namespace: 'bank' } }
  const text = yaml(namespace(OPTED_IN), workload('Deployment', template()), elsewhere)
  expect(report(text).assumedNamespaces).toEqual(['bank'])
})

test('a message stands at the line of its annotation', () => {
  const text = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations:\n    x: "1"\n    startgate.dev/start-timeout: "90"\nspec:\n  containers: [{name: c, image: i}]\n`
  expect(report(text).findings[0]).toMatchObject({ line: 1, messages: [{ line: 7 }] })
})

test('the chart is asked whether pods may opt out', () => {
  const pod = yaml(workload('Deployment', template({ labels: { 'startgate.dev/inject': 'false' } })))
  expect(report(pod).findings[0]?.verdict).toBe('skipped')
  const strict = { ...config, webhook: { ...config.webhook, allowOptOut: false } }
  expect(report(pod, strict).findings[0]).toMatchObject({ verdict: 'gated', messages: [{ level: 'warning' }] })
})

test('inject gives the pod as it would be, and what is denied none', () => {
  const text = yaml(workload('Deployment', template()), workload('Deployment', annotated(TYPO)))
  const results = injected(objectsIn([{ file: 'f', text }]), { config, namespace: 'shop' })
  expect(results.map(({ outcome }) => outcome)).toEqual(['gated', 'denied'])
  const pod = results[0]?.pod as { spec: { initContainers: { name: string }[]; containers: object[] } }
  expect(pod.spec.initContainers.map(({ name }) => name)).toContain('startgate-start')
  expect(pod.spec.containers).toEqual([CONTAINER])
  expect(results[1]?.pod).toBeUndefined()
})

const codes: Record<string, { text: string; args?: string[]; want: number }> = {
  'all is well': { text: yaml(workload('Deployment', template())), want: 0 },
  'something is denied': { text: yaml(workload('Deployment', annotated(TYPO))), want: 1 },
  'a warning': { text: yaml(namespace({ labels: { 'startgate.dev/injection': 'on' } })), want: 0 },
  'a warning, with --strict': { text: yaml(namespace({ labels: { 'startgate.dev/injection': 'on' } })), args: ['--strict'], want: 1 },
  'a document that is no object': { text: 'hello: world', want: 2 },
  'nothing that startgate reads': { text: yaml({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } }), want: 0 },
} // biome-ignore format: a table
test.each(Object.entries(codes))('exit code: %s', async (_, { text, args = [], want }) => {
  expect((await ran(['lint', '-f', '-', ...args], { stdin: text })).code).toBe(want)
})

test('the report as JSON has what the text has', async () => {
  const { out } = await ran(['lint', '-f', '-', '-o', 'json'], { stdin: yaml(workload('Job', annotated(TYPO))) })
  expect(JSON.parse(out)).toMatchObject({
    findings: [{ file: '-', document: 1, kind: 'Job', name: 'web', namespace: 'default', verdict: 'denied' }],
    assumedNamespaces: ['default'],
  })
})
