import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseClusterConfig } from './cluster-config.ts'
import { InvalidConfigError } from './config-reader.ts'
import { goodConfig, type Json } from './testing/good-config.ts'

/** The good configuration with the value at a dotted path replaced; undefined takes the field away. */
function withValue(path: string, value: unknown): string {
  const config = goodConfig()
  const keys = path.split('.')
  const last = keys.pop() ?? ''
  const parent = keys.reduce<Json>((at, key) => at[key] as Json, config)
  if (value === undefined) delete parent[last]
  else parent[last] = value
  return JSON.stringify(config)
}

function problemsOf(text: string): { field: string; value: string; message: string }[] {
  try {
    parseClusterConfig(text)
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error
    return error.problems.map(({ field, value, message }) => ({ field, value, message }))
  }
}

describe('parseClusterConfig', () => {
  test('turns durations into milliseconds and keeps null for what the programs compute', () => {
    expect(parseClusterConfig(JSON.stringify(goodConfig()))).toMatchObject({
      failOpenAfterMs: 60_000,
      failOpenJitterMs: 300_000,
      startTimeoutMs: 120_000,
      settleTimeMs: 5_000,
      lameDuckMs: 15_000,
      runAsUser: 65532,
      limits: {
        cluster: {
          maxStarting: null,
          maxPulling: null,
          maxStartRate: { count: 10, periodMs: 1_000 },
          minStartRate: null,
        },
        node: { maxStartingPerCore: 0.5, maxPulling: 1, maxPressure: { cpu: 60, io: null, memory: null } },
        nodePools: [{ name: 'nodePools[0]', matchLabels: { pool: 'spot' }, maxStarting: 2, maxPressure: { io: 30 } }],
        namespaceShare: 0.75,
        registries: { 'docker.io': 5 },
        maxWaitMs: null,
      },
      leaseService: { port: 443, listenPort: 8443, writeConditions: true },
    })
  })

  test('without its part there is no waiter, with it one', () => {
    const { nodeWaiter } = parseClusterConfig(withValue('nodeWaiter', null))
    expect([nodeWaiter, parseClusterConfig(JSON.stringify(goodConfig())).nodeWaiter]).toEqual([null, null])
    const given = { name: 'startgate-node-waiter', port: 7373 }
    expect(parseClusterConfig(withValue('nodeWaiter', given)).nodeWaiter).toEqual(given)
    expect(problemsOf(withValue('nodeWaiter', { name: 'x', port: 0 }))).toMatchObject([{ field: 'nodeWaiter.port' }])
  })

  test('a field of a newer version is ignored', () => {
    expect(problemsOf(withValue('fromTheFuture', 1))).toEqual([])
  })

  const accepted: Record<string, [string, unknown]> = {
    '0 freezes a limit': ['limits.cluster.maxStarting', 0],
    'no user ID, for OpenShift': ['runAsUser', null],
    'no jitter': ['failOpenJitter', '0s'],
    'failing closed': ['failOpenAfter', 'never'],
    'a whole share': ['limits.namespaceShare', 1],
    'a maximum wait': ['limits.maxWait', '15m'],
    'a floor': ['limits.cluster.minStartRate', '6/min'],
    'a CA for clients': ['webhook.clientCa', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
    'no pools of nodes': ['limits.nodePools', []],
    'a file of a version that knew no pools': ['limits.nodePools', undefined],
    'a pool of every node': ['limits.nodePools.0.selector.matchLabels', {}],
    'no namespace to skip': ['skippedNamespaces', []],
    'a pull ramp': ['limits.pullRamp', true],
    'a file of a version that knew no ramp': ['limits.pullRamp', undefined],
    'a DaemonSet that all come after': ['after', ['node-daemonset/kube-system/cilium']],
    'a file of a version that knew none': ['after', undefined],
  }
  test.each(Object.entries(accepted))('%s', (_, [path, value]) => {
    expect(problemsOf(withValue(path, value))).toEqual([])
  })

  const faults: Record<string, { path: string; value: unknown; want: string }> = {
    'a missing field': { path: 'image', value: undefined, want: 'image is missing; use the config.json' },
    'an empty image': { path: 'image', value: '', want: 'image: "" is not a valid string; use one that is not empty' },
    'a missing record takes its fields along': {
      path: 'webhook',
      value: undefined,
      want: 'webhook.name is missing; use',
    },
    'a list where a record belongs': { path: 'leaseService', value: [], want: 'leaseService.name is missing; use' },
    'a pull policy in lower case': {
      path: 'imagePullPolicy',
      value: 'always',
      want: 'imagePullPolicy: "always" is not a valid value; use Always, IfNotPresent or Never',
    },
    'an unknown provider of certificates': {
      path: 'certificateProvider',
      value: 'cert-manager',
      want: 'certificateProvider: "cert-manager" is not a valid value; use self or certManager',
    },
    'a name with capitals': {
      path: 'namespace',
      value: 'Startgate',
      want: 'namespace: "Startgate" is not a valid name; use',
    },
    'a CA that is none': {
      path: 'webhook.clientCa',
      value: 'ca.crt',
      want: 'webhook.clientCa: "ca.crt" is not a valid certificate; use PEM blocks',
    },
    'a port of 0': { path: 'leaseService.port', value: 0, want: 'leaseService.port: "0" is not a valid port; use' },
    'a port above 65535': {
      path: 'webhook.listenPort',
      value: 70_000,
      want: 'webhook.listenPort: "70000" is not a valid port; use',
    },
    'a limit below 0': {
      path: 'limits.node.maxPulling',
      value: -1,
      want: 'limits.node.maxPulling: "-1" is not a valid whole number; use 0, 4 or null (the default)',
    },
    'pools that are no list': {
      path: 'limits.nodePools',
      value: {},
      want: 'limits.nodePools: "{}" is not a valid list; use []',
    },
    'a pool without a selector': {
      path: 'limits.nodePools.0.selector',
      value: undefined,
      want: 'limits.nodePools.0.selector.matchLabels is missing; use',
    },
    'a label that is no text': {
      path: 'limits.nodePools.0.selector.matchLabels',
      value: { spot: true },
      want: 'true}" is not a valid map of texts; use {"disktype": "ssd"} or {}',
    },
    'a limit below 0 in a pool': {
      path: 'limits.nodePools.0.maxStarting',
      value: -1,
      want: 'limits.nodePools.0.maxStarting: "-1" is not a valid limit; use 0, 4, auto or null (the default)',
    },
    'a limit with decimals': {
      path: 'limits.cluster.maxPulling',
      value: 1.5,
      want: 'limits.cluster.maxPulling: "1.5" is not a valid whole number; use 0, 4 or null (the default)',
    },
    'a limit in quotes': {
      path: 'limits.cluster.maxPulling',
      value: '4',
      want: 'limits.cluster.maxPulling: "4" is not a valid whole number; use 0, 4 or null (the default)',
    },
    'a limit left out instead of null': {
      path: 'limits.node.maxStarting',
      value: undefined,
      want: 'limits.node.maxStarting is missing; use',
    },
    'a factor below 0': {
      path: 'limits.node.maxStartingPerCore',
      value: -0.5,
      want: 'limits.node.maxStartingPerCore: "-0.5" is not a valid number; use 0.5, 1 or null (the default)',
    },
    'a pressure of 0': {
      path: 'limits.node.maxPressure.cpu',
      value: 0,
      want: 'limits.node.maxPressure.cpu: "0" is not a valid percentage; use a number above 0 and up to 100',
    },
    'a pressure above 100': {
      path: 'limits.node.maxPressure.io',
      value: 101,
      want: 'limits.node.maxPressure.io: "101" is not a valid percentage; use',
    },
    'a pressure with its sign': {
      path: 'limits.node.maxPressure.memory',
      value: '60%',
      want: 'limits.node.maxPressure.memory: "60%" is not a valid percentage; use',
    },
    'a share of 0': {
      path: 'limits.namespaceShare',
      value: 0,
      want: 'limits.namespaceShare: "0" is not a valid share; use',
    },
    'a share above 1': {
      path: 'limits.namespaceShare',
      value: 1.1,
      want: 'limits.namespaceShare: "1.1" is not a valid share; use',
    },
    'a rate without a unit': {
      path: 'limits.cluster.maxStartRate',
      value: '10',
      want: 'limits.cluster.maxStartRate: "10" is not a valid rate; use',
    },
    'a rate as number': {
      path: 'limits.cluster.minStartRate',
      value: 10,
      want: 'minStartRate: "10" is not a valid rate; use',
    },
    'a registry limit in quotes': {
      path: 'limits.registries',
      value: { 'docker.io': '5' },
      want: 'is not a valid map of whole numbers; use {"docker.io": 5} or {}',
    },
    'a flag in quotes': {
      path: 'limits.allowFloor',
      value: 'yes',
      want: 'limits.allowFloor: "yes" is not a valid boolean; use true or false',
    },
    'a maximum wait without unit': {
      path: 'limits.maxWait',
      value: '15',
      want: 'limits.maxWait: "15" is not a valid duration; use 90s or 2m',
    },
    'a duration without unit': {
      path: 'pullTimeout',
      value: '15',
      want: 'pullTimeout: "15" is not a valid duration; use 90s or 2m',
    },
    'a duration as number': {
      path: 'pullTimeout',
      value: 15,
      want: 'pullTimeout: "15" is not a valid duration; use 90s or 2m',
    },
    'a wrong word for failing closed': {
      path: 'failOpenAfter',
      value: 'closed',
      want: 'failOpenAfter: "closed" is not a valid duration; use 90s, 2m or never (fail closed)',
    },
    'a time-out that never ends': {
      path: 'startTimeout',
      value: 'never',
      want: 'startTimeout: "never" is not a valid duration; use 90s or 2m',
    },
    'a time-out of 0': { path: 'startTimeout', value: '0s', want: 'startTimeout: "0s" is too short' },
    'a default above the cap': {
      path: 'startTimeout',
      value: '11m',
      want: 'startTimeout: "11m" is longer than maxStartTimeout',
    },
    'a namespace that is no name': {
      path: 'skippedNamespaces',
      value: ['kube-*'],
      want: 'skippedNamespaces: "[\\"kube-*\\"]" is not a valid list of names; use ["kube-system"] or []',
    },
    'a pull ramp that is neither': {
      path: 'limits.pullRamp',
      value: 'on',
      want: 'limits.pullRamp: "on" is not a valid boolean; use true or false',
    },
    'what all come after of another kind': {
      path: 'after',
      value: ['deployment/db'],
      want: 'after.0: "deployment/db" is not a valid DaemonSet on the node; use node-daemonset/NAMESPACE/NAME',
    },
    'nine DaemonSets that all come after': {
      path: 'after',
      value: Array.from({ length: 9 }, (_, i) => `node-daemonset/a/d${i}`),
      want: 'names 9 DaemonSets; use at most 8',
    },
    'an unknown log level': {
      path: 'logLevel',
      value: 'chatty',
      want: 'logLevel: "chatty" is not a valid value; use trace, debug, info, warn, error or fatal',
    },
  }
  test.each(Object.entries(faults))('%s is a fault', (_, { path, value, want }) => {
    const problems = problemsOf(withValue(path, value))
    expect(problems.map(problem => problem.message).join('\n')).toContain(want)
    expect(problems.every(problem => problem.field.startsWith(path))).toBe(true)
  })

  test('reports every fault at once', () => {
    const config = { ...goodConfig(), image: '', logLevel: 'x', settleTime: 'soon', runAsUser: -1 }
    expect(
      problemsOf(JSON.stringify(config))
        .map(problem => problem.field)
        .sort(),
    ).toEqual(['image', 'logLevel', 'runAsUser', 'settleTime'])
  })

  test('any text at all either parses or is an InvalidConfigError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), text => {
        expect(problemsOf(text).length).toBeGreaterThan(0)
      }),
    )
  })
})

test('names of one registry are one, and the lowest limit for it counts', () => {
  const registries = { 'GHCR.io:443': 3, 'docker.io': 5, 'index.docker.io': 4, 'registry-1.docker.io': 6, 'r:5000': 1 }
  expect(parseClusterConfig(withValue('limits.registries', registries)).limits.registries).toEqual({
    'ghcr.io': 3,
    'docker.io': 4,
    'r:5000': 1,
  })
})
