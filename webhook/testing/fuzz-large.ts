import { AGENT, AGENT_ENV } from '../../core/names.ts'
import { agentCommand, sequenceGateCommand } from '../../core/pod-scripts.ts'
import { reviewOf } from './facts.ts'

/** The API server's limit for an object. */
const MIB = 1024 * 1024
const MOST = 3 * MIB - 2_000

const times = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => of(index))
/** The text as often as it goes into one input. */
const filled = (text: string, bytes = MOST) => text.repeat(Math.floor(bytes / text.length))
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const c = (name: string, rest: object = {}) => ({ name, image: 'r.example/a:1', ...rest })
const some = (count: number, of: (index: number) => object = () => ({})) =>
  times(count, index => c(`c${index}`, of(index)))
const pod = (spec: object, annotations: object = {}, metadata: object = {}) =>
  JSON.stringify(
    reviewOf({ metadata: { name: 'web', annotations, ...metadata }, spec: { containers: [c('web')], ...spec } }),
  )
const annotated = (name: string, value: string, spec: object = {}) => pod(spec, { [`startgate.dev/${name}`]: value })
/** For what JSON.stringify cannot write, or not as it should be. */
const raw = (marked: string, text: string) => marked.replace('"RAW"', () => text)
const chain = (count: number) => times(count, index => `c${index}: [c${index + 1}]`).join('\n')
const full = (count: number) =>
  times(count, index => `c${index}: [${times(20, other => `c${index + 1 + other}`)}]`)
    .join('\n')
    .slice(0, 4_000)
    .split('\n')
    .slice(0, -1)
    .join('\n')
const agent = (original: string) => ({
  name: AGENT,
  command: agentCommand([]),
  env: [{ name: AGENT_ENV.original, value: original }],
})

/** In 4 KiB, the most that is read, all that a YAML parser may find hard. */
const YAML = {
  'brackets': filled('[', 4_096), 'bracket pairs': nested(2_048), 'maps in maps': filled('{a: ', 4_096), 'lists in lists': filled('- ', 4_096), 'keys of keys': filled('? ', 4_096),
  'many keys': times(700, index => `k${index}:`).join('\n'), 'many flow keys': `{${times(700, index => `k${index}: a`)}}`,
  'aliases': ['a: &a [x,x]', ...times(150, index => `b${index}: &b${index} [*${index ? `b${index - 1}` : 'a'},*a]`)].join('\n'),
  'anchors': filled('&a ', 4_096), 'tags': filled('!a ', 4_096), 'quotes': filled('"', 4_096), 'commas': `[${filled(',', 4_095)}`, 'colons': filled(':', 4_096), 'colons apart': filled(': ', 4_096),
  'closing brackets': filled(']', 4_096), 'directives': filled('%a\n', 4_096), 'documents': filled('---\n', 4_096), 'lines': filled('a\n', 4_096), 'returns': filled('\r', 4_096), 'comments': filled('#\n', 4_096),
  'deep indentation': times(88, index => `${' '.repeat(index)}a:`).join('\n'), 'block scalars': filled('|\n', 4_096), 'tabs': filled('\t', 4_096),
} // biome-ignore format: a table

/** Inputs as large as the API server takes them, each made to be slow at one thing. */
export const LARGE: Record<string, () => string> = {
  ...Object.fromEntries(
    Object.entries(YAML).map(([what, text]) => [
      `YAML of ${what}, twice`,
      () => pod({}, { 'startgate.dev/depends-on': text, 'startgate.dev/readiness': text }),
    ]),
  ),
  'depends-on of 249 KB': () => annotated('depends-on', `{${filled('a: [b,c], ', 249_000)}}`),
  'depends-on of 3 MB': () => annotated('depends-on', `web: [${filled('a,')}]`),
  'readiness of 3 MB': () => annotated('readiness', filled('a: simple; ')),
  'after of 250 KB': () => annotated('after', times(20_000, index => `pod/p${index}`).join()),
  'after of 3 MB': () => annotated('after', filled('pod/a,')),
  'helpers of 3 MB': () => annotated('helpers', filled('a ')),
  'a timeout of 3 MB': () => annotated('start-timeout', `${filled('1')}x`),
  '100,000 annotations of ours': () => pod({}, Object.fromEntries(times(100_000, index => [`startgate.dev/${index}`, '']))),
  'an annotation of ours with a name of 3 MB': () => pod({}, { [`startgate.dev/${filled('x')}`]: '' }),
  'volumes that are safe to evict, 3 MB': () => pod({}, { 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': filled('a,') }),
  '200,000 labels': () => pod({}, {}, { labels: Object.fromEntries(times(200_000, index => [`l${index}`, ''])) }),
  '40,000 containers': () => pod({ containers: some(40_000) }),
  '40,000 init containers': () => pod({ initContainers: some(40_000) }),
  '500 containers of 6 KB each': () => pod({ containers: some(500, () => ({ env: times(120, index => ({ name: `E${index}`, value: 'v'.repeat(20) })) })) }),
  '500 containers of as many images': () => pod({ containers: some(500, index => ({ image: `r.example/a:${index}` })) }),
  '500 containers of one name and 6 KB': () => pod({ containers: times(500, index => c('a', { env: [...times(120, i => ({ name: `E${i}`, value: 'v'.repeat(20) })), { name: `L${index}` }] })) }, { 'startgate.dev/readiness': 'a: notify' }),
  '500 containers in a long chain': () => annotated('depends-on', chain(64), { containers: some(500) }),
  '500 containers, each after many': () => annotated('depends-on', full(64), { containers: some(500) }),
  '500 containers that notify as far as it goes': () => annotated('readiness', times(64, index => `c${index}: notify`).join('\n'), { containers: some(500, () => ({ env: times(100, index => ({ name: `E${index}` })), volumeMounts: [{ name: 'v', mountPath: '/v' }] })), volumes: [{ name: 'v', emptyDir: {} }] }),
  '500 containers with long quantities': () => pod({ containers: some(500, () => ({ resources: { limits: { memory: `${filled('1', 5_000)}x`, cpu: '1' } } })) }),
  'a quantity of 3 MB': () => pod({ containers: [c('web', { resources: { limits: { memory: `${filled('1')}x` } } })] }),
  'resources of 100,000 kinds': () => pod({ containers: [c('web', { resources: { limits: Object.fromEntries(times(100_000, index => [`r${index}`, '1'])) } })] }),
  '1,490 steps that look like ours': () => pod({ initContainers: times(1_490, index => c(`startgate-image-${index + 1}`, { command: ['/startgate/true'], env: times(60, i => ({ name: `E${i}`, value: 'v' })) })) }),
  '1,490 gates that look like ours': () => pod({ initContainers: times(1_490, index => ({ name: `startgate-start-${index}`, command: sequenceGateCommand(`startgate-start-${index}`) })) }),
  '1,490 gates of one name that look like ours': () => pod({ initContainers: times(1_490, () => ({ name: 'startgate-start', command: ['node', '/app/gate.mjs'], env: times(60, i => ({ name: `E${i}`, value: 'v' })) })) }),
  '40,000 steps that look like ours': () => pod({ initContainers: times(40_000, index => ({ name: `startgate-image-${index + 1}`, command: ['/startgate/true'] })) }),
  'an agent that tells of 230,000 containers': () => pod({ initContainers: [agent(JSON.stringify({ containers: times(230_000, index => `c${index}`) }))] }),
  'an agent that tells of one 300,000 times': () => pod({ initContainers: [c('web2'), agent(JSON.stringify({ containers: times(300_000, () => 'web2') }))] }),
  'an agent that tells of 490 moved ones': () => pod({ initContainers: [agent(JSON.stringify({ containers: times(490, index => `c${490 - index}`) })), ...some(490)] }),
  'an agent that tells of something deep': () => pod({ initContainers: [agent(nested(700_000))] }),
  '60,000 volumes': () => pod({ volumes: times(60_000, index => ({ name: `v${index}`, emptyDir: {} })) }),
  '60,000 volumes that look like ours': () => pod({ volumes: times(60_000, () => ({ name: 'startgate', emptyDir: {} })) }),
  '60,000 mounts, 20,000 volumes': () => pod({ containers: [c('web', { volumeMounts: times(60_000, index => ({ name: `v${index}`, mountPath: '/a' })) })], volumes: times(20_000, index => ({ name: `v${index}` })) }),
  'a gate of ours with 30,000 mounts, 30,000 volumes': () => pod({ initContainers: [{ name: 'startgate-start', command: ['node', '/app/gate.mjs'], volumeMounts: times(30_000, index => ({ name: `v${index}`, mountPath: `/a${index}` })) }], volumes: times(30_000, index => ({ name: `v${index}`, emptyDir: {} })) }),
  'a mount path of slashes': () => annotated('readiness', 'web: {type: forking, pidFile: /run/a}', { containers: [c('web', { volumeMounts: [{ name: 'v', mountPath: `${filled('/')}x` }] })] }),
  'a mount path of slashes beside a socket': () => annotated('readiness', 'web: notify', { containers: [c('web', { volumeMounts: [{ name: 'v', mountPath: `${filled('/')}x` }] })] }),
  '60,000 mounts over a file': () => annotated('readiness', 'web: {type: forking, pidFile: /run/a}', { containers: [c('web', { volumeMounts: times(60_000, index => ({ name: `v${index}`, mountPath: '/run' })) })] }),
  '100,000 variables beside a socket': () => annotated('readiness', 'web: notify', { containers: [c('web', { env: times(100_000, index => ({ name: `E${index}` })) })] }),
  'an image of ats': () => pod({ containers: [c('web', { image: filled('@') })] }),
  'an image of colons': () => pod({ containers: [c('web', { image: filled(':') })] }),
  'an image of slashes': () => pod({ containers: [c('web', { image: filled('/') })] }),
  'an image of ports': () => pod({ containers: [c('web', { image: `${filled(':0')}/a` })] }),
  'a container with a name of 3 MB': () => pod({ containers: [c(filled('a'))] }),
  'one of our names, 3 MB': () => pod({ containers: [c(`startgate${filled('a')}`)] }),
  'an owner 30,000 times': () => annotated('after', 'pod/a', {}).replace('"name":"web"', `"name":"web","ownerReferences":[${times(30_000, () => '{"kind":"Job","name":"j","controller":false}')}]`),
  '30,000 terms for Windows nodes': () => pod({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: times(30_000, () => ({ matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows'] }] })) } } } }),
  '150,000 node selectors': () => pod({ nodeSelector: Object.fromEntries(times(150_000, index => [`l${index}`, 'v'])) }),
  'a field of 1,500,000 numbers': () => raw(pod({ future: 'RAW' }), `[${filled('1,')}1]`),
  'a field of 200,000 keys': () => pod({ future: Object.fromEntries(times(200_000, index => [`k${index}`, 1])) }),
  'a field of 250,000 objects': () => raw(pod({ future: 'RAW' }), `[${filled('{"a":1},')}{}]`),
  'an argument of 3 MB': () => pod({ containers: [c('web', { args: [filled('a')] })] }),
  'a field 1,500,000 deep': () => raw(pod({ future: 'RAW' }), nested(MOST / 2)),
  'a security context 10,000 deep': () => raw(pod({ containers: [c('web', { securityContext: { a: 'RAW' } })] }), nested(10_000)),
  'a probe of one of ours 10,000 deep': () => raw(pod({ initContainers: [{ name: 'startgate-start', command: ['node', '/app/gate.mjs'], livenessProbe: 'RAW' }] }), nested(10_000)),
  'a kind 1,500,000 deep': () => raw('{"kind":"RAW","apiVersion":"v1"}', nested(MOST / 2)),
  'a body that is no review, 1,500,000 deep': () => nested(MOST / 2),
  'a uid of 3 MB': () => pod({}).replace('"u-1"', `"${filled('u')}"`),
  'a namespace of 3 MB': () => pod({}).replace('"shop"', `"${filled('n')}"`),
} // biome-ignore format: a table
