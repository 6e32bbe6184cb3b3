import { type Dice, spoil } from '../../core/testing/fuzz.ts'
import { reviewOf } from './facts.ts'

/** For the fuzz test: pods as they are written, each a place to go wrong from. */
const container = (name: string, rest: object = {}) => ({ name, image: `r.example/${name}:1`, ...rest })
const limits = { cpu: '1', memory: '1Gi' }
const PODS: readonly object[] = [
  { containers: [container('web')] },
  { containers: [container('web', { resources: { limits } }), container('db', { resources: { limits, requests: { cpu: '0' } } })] },
  {
    containers: [container('web'), container('db', { readinessProbe: {} }), container('cache', { startupProbe: { periodSeconds: 1 } })],
    initContainers: [container('migrate'), container('proxy', { restartPolicy: 'Always' })],
    volumes: [{ name: 'data', emptyDir: {} }],
    terminationGracePeriodSeconds: 5,
  },
  {
    containers: [container('db', { volumeMounts: [{ name: 'run', mountPath: '/run/db/' }], env: [{ name: 'A', value: 'b' }] }), container('web')],
    volumes: [{ name: 'run', emptyDir: {} }, { name: 'dbus', hostPath: { path: '/run/dbus' } }],
    shareProcessNamespace: true,
  },
  { containers: [container('web'), container('db')], restartPolicy: 'Never', resources: { limits } },
  { containers: [container('web')], hostNetwork: true, os: { name: 'linux' }, nodeSelector: { pool: 'a' }, securityContext: { runAsUser: 0 } },
  {
    containers: [container('web', { securityContext: { windowsOptions: {} } })],
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows'] }] }] } } },
  },
] // biome-ignore format: a table
const TEXTS = PODS.map(spec => JSON.stringify(spec))

const VALUES: Record<string, readonly [string, ...string[]]> = {
  'depends-on': ['{}', 'web: [db]', 'web: {db: ready}', 'db: {web: completed}', 'web: [db]\ndb: [web]', 'web: [db, cache]\ndb: [cache]', 'web: {migrate: completed, proxy: started}'],
  readiness: ['{}', 'db: notify', 'web: simple', 'db: {type: forking, pidFile: /run/db/pid}', 'db: {type: dbus, busName: org.example.Db}', 'web: completed'],
  after: ['deployment/db', 'job/migrate:completed, service/queue', 'pod/web'],
  'after-max-wait': ['90s', 'soon'],
  helpers: ['db', 'web, db'],
  'start-timeout': ['1m30s', '-1s', '99999999999h'],
  'fail-open-after': ['never', '0s'],
  unknown: ['x'],
} // biome-ignore format: a table

/** What the languages of our annotations are made of. */
const WORDS = [
  'web', 'db', 'cache', ': ', ':', ', ', '[', ']', '{', '}', '\n', '\n  ', '- ', '? ', '&a ', '*a', '!!str ', '"', "'", '#', '|', '>', '%', '---\n', '\t',
  'ready', 'started', 'completed', 'type: ', 'pidFile: /run/x', 'busName: a.b', '__proto__', 'constructor', 'deployment/', 'job/', 'ü', '\\', '\u0000', '1', '~', '<<',
] as const // biome-ignore format: a list

const LABELS: readonly [object, ...object[]] = [
  {}, {}, {}, { 'startgate.dev/inject': 'false' }, { 'startgate.dev/gated': 'true' }, { app: 'web' },
] // biome-ignore format: a list

/** The text of a review like the API server's, with nothing to six things wrong with it. */
export function reviewText(dice: Dice): string {
  const spec: unknown = JSON.parse(dice.of(TEXTS as [string, ...string[]]))
  const metadata = {
    name: 'web-1',
    namespace: 'shop',
    labels: { ...dice.of(LABELS) },
    annotations: annotationsOf(dice),
  }
  const pod = { metadata, spec }
  for (let left = dice.below(2) * dice.below(4); left > 0; left--) spoil(pod, dice)
  const review = reviewOf(pod)
  for (let left = dice.below(10) === 0 ? dice.below(4) : 0; left > 0; left--) spoil(review, dice)
  return JSON.stringify(review)
}

function annotationsOf(dice: Dice): Record<string, string> {
  const names = Object.keys(VALUES) as [string, ...string[]]
  const annotations: Record<string, string> = {}
  for (let left = dice.below(4); left > 0; left--) {
    const name = dice.of(names)
    annotations[`startgate.dev/${name}`] = dice.below(4) === 0 ? dice.text(WORDS, 40) : dice.of(VALUES[name] ?? ['x'])
  }
  return annotations
}
