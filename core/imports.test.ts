import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'

/*
 * The rooms of the house (docs/contributing/architecture.md) and who may use whom. A room that is not named here may
 * use nothing but what its own folder has: a new one is added on purpose.
 */

const ROOT = join(import.meta.dirname, '..')
const PARTS = ['core', 'certs', 'webhook', 'gate', 'plugin', 'e2e', 'bench', 'charts', 'docs', 'release']

/** Modules by their path from the root, each with the modules of this repository that it imports. */
type Imports = Map<string, string[]>

const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+\.ts)'/g

function importsOf(): Imports {
  const files = PARTS.flatMap(part =>
    readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts'))
      .map(file => join(part, file)),
  )
  return new Map(
    files.map(file => [
      file,
      [...readFileSync(join(ROOT, file), 'utf8').matchAll(IMPORT)].map(([, to = '']) =>
        relative(ROOT, join(ROOT, dirname(file), to)),
      ),
    ]),
  )
}

/** Test support may use what it likes; so may the programs, which only wire. */
const isFree = (file: string): boolean =>
  file.endsWith('.test.ts') || file.includes('/testing/') || /(^|\/)main\.ts$/.test(file)

/** The first circle that is found, as a line of names; undefined when there is none. */
function circleIn(graph: ReadonlyMap<string, Iterable<string>>): string | undefined {
  const done = new Set<string>()
  for (const start of graph.keys()) {
    const path: { name: string; rest: Iterator<string> }[] = []
    const enter = (name: string) => path.push({ name, rest: (graph.get(name) ?? [])[Symbol.iterator]() })
    if (!done.has(start)) enter(start)
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const { value: next, done: isOver } = top.rest.next()
      if (isOver) {
        done.add(top.name)
        path.pop()
        continue
      }
      const at = path.findIndex(({ name }) => name === next)
      if (at >= 0) return [...path.slice(at).map(({ name }) => name), next].join(' → ')
      if (!done.has(next)) enter(next)
    }
  }
  return undefined
}

const SERVICE = 'gate/lease-service'
const inService = (...rooms: string[]): string[] => rooms.map(room => `${SERVICE}/${room}`)

/** Besides core, which imports nobody, and the room itself. */
const MAY_USE: Record<string, string[]> = {
  [`${SERVICE}/model`]: [],
  [`${SERVICE}/auto`]: [],
  [`${SERVICE}/pods`]: inService('model'),
  [`${SERVICE}/after`]: inService('model', 'pods'),
  [`${SERVICE}/started`]: inService('model', 'pods', 'after'),
  [`${SERVICE}/limits`]: inService('model', 'pods', 'auto'),
  [`${SERVICE}/queue`]: inService('model', 'limits'),
  [`${SERVICE}/store`]: inService('model', 'pods', 'auto'),
  [`${SERVICE}/ledger`]: inService('model', 'pods', 'auto', 'after', 'started', 'limits', 'queue', 'store'),
  [`${SERVICE}/report`]: inService('model', 'pods', 'after', 'limits'),
  [`${SERVICE}/streams`]: inService('model', 'pods', 'limits', 'report'),
  [`${SERVICE}/state`]: inService('model', 'pods', 'auto', 'limits', 'ledger'),
  [`${SERVICE}/http`]: inService('model', 'state'),
  [`${SERVICE}/leader`]: inService(
    ...[
      'model',
      'pods',
      'auto',
      'after',
      'started',
      'limits',
      'queue',
      'ledger',
      'store',
      'report',
      'streams',
      'state',
    ],
  ),
  'gate/node': ['gate/pod', ...inService('model', 'http')],
  webhook: [],
  'webhook/cluster': ['webhook/pod'],
  'webhook/pod': [],
  'webhook/sequence': ['webhook/pod', 'webhook/cluster'],
  'webhook/inject': ['webhook/pod', 'webhook/cluster', 'webhook/sequence'],
  'webhook/patch': ['webhook/pod', 'webhook/inject'],
  'webhook/mutate': ['webhook/pod', 'webhook/cluster', 'webhook/sequence', 'webhook/inject', 'webhook/patch'],
  'webhook/server': ['webhook/pod', 'webhook/patch', 'webhook/mutate'],
  plugin: ['plugin/model', 'plugin/output', 'plugin/verbs'],
  'plugin/model': [],
  'plugin/output': ['plugin/model'],
  'plugin/completion': [],
  'plugin/manifest': ['plugin/model', 'webhook/pod'],
  'plugin/lint': [
    ...['plugin/manifest', 'plugin/output'],
    ...['webhook/pod', 'webhook/cluster', 'webhook/patch', 'webhook/mutate'],
  ],
  'plugin/cluster': ['plugin/model'],
  'plugin/check': ['plugin/cluster', 'plugin/output'],
  'plugin/state': ['plugin/model', 'plugin/cluster', 'plugin/output'],
  'plugin/explain': [
    ...['model', 'cluster', 'output', 'state'].map(room => `plugin/${room}`),
    ...['webhook/cluster', 'webhook/mutate'],
  ],
  'plugin/freeze': ['plugin/model', 'plugin/cluster'],
  // The lease service's own queue and limits decide in virtual time: of its rooms those that only compute.
  'plugin/plan': [
    ...['model', 'manifest', 'lint', 'output', 'cluster', 'state'].map(room => `plugin/${room}`),
    ...inService('model', 'pods', 'limits', 'queue'),
  ],
  'plugin/ui': ['plugin/model', 'plugin/state'],
  'plugin/page/model': ['plugin/output'],
  'plugin/page/live': ['plugin/page/model'],
  'plugin/page/parts': ['plugin/page/model', 'plugin/page/live', 'plugin/output'],
  'plugin/page/screens': ['plugin/page/model', 'plugin/page/live', 'plugin/page/parts', 'plugin/output'],
  'plugin/page': ['model', 'live', 'parts', 'screens'].map(room => `plugin/page/${room}`),
  'plugin/verbs': [
    'ui',
    'freeze',
    'plan',
    'model',
    'output',
    'completion',
    'manifest',
    'lint',
    'cluster',
    'check',
    'state',
    'explain',
  ].map(room => `plugin/${room}`),
}

/** The folder, but for core, which is one room. */
const roomOf = (file: string): string => (file.startsWith('core/') ? 'core' : dirname(file))

const imports = importsOf()
const rooms = new Map<string, Set<string>>()
for (const [file, targets] of imports) {
  if (isFree(file)) continue
  const room = roomOf(file)
  const used = rooms.get(room) ?? new Set()
  rooms.set(room, used)
  for (const to of targets) if (roomOf(to) !== room) used.add(roomOf(to))
}

describe('imports go one way', () => {
  test('no file imports another in a circle', () => {
    expect(circleIn(imports)).toBeUndefined()
  })

  test('nor does a room', () => {
    expect(circleIn(rooms)).toBeUndefined()
  })

  test.each(Object.entries(MAY_USE))('%s uses only what it may', (room, allowed) => {
    const used = [...(rooms.get(room) ?? [])].filter(to => to !== 'core')
    expect(used.filter(to => !allowed.includes(to))).toEqual([])
  })

  test('every room of the lease service, the webhook and the plugin is named here', () => {
    const made = [...rooms.keys()].filter(room => [SERVICE, 'webhook', 'plugin'].some(part => room.startsWith(part)))
    expect(made.filter(room => !(room in MAY_USE))).toEqual([])
  })

  test('core uses nobody; webhook, gate and certs use none of each other but the certificates; the plugin judges by the webhook and plans by the queue', () => {
    const part = (path: string): string => path.split('/')[0] ?? ''
    const across = [...rooms].flatMap(([room, used]) =>
      [...used].filter(to => part(to) !== part(room)).map(to => `${part(room)} → ${part(to)}`),
    )
    const own = new Set(across.filter(line => /^(core|certs|webhook|gate|plugin) /.test(line)))
    expect([...own].sort()).toEqual([
      'certs → core',
      'gate → core',
      'plugin → core',
      'plugin → gate',
      'plugin → webhook',
      'webhook → core',
    ])
  })
})

test('a circle is found', () => {
  const graph = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', []],
    ['d', ['b']],
  ])
  expect(circleIn(graph)).toBe('b → d → b')
  expect(
    circleIn(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
      ]),
    ),
  ).toBeUndefined()
})
