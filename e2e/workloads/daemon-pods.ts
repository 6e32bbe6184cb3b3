import type { Manifest } from '../harness/kubectl.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'

/** A pod in which `app` depends on a daemon that nobody here wrote. */
export interface DaemonPod {
  /** Shell that ends in the daemon itself, by container. */
  daemons: Record<string, string>
  /** YAML of `startgate.dev/depends-on`; without it `app` depends on all of them. */
  dependsOn?: string
  /** YAML of `startgate.dev/readiness`. */
  readiness: string
  /** What the last lines of the first daemon say when it is ready, by its own word. */
  readyLine?: RegExp
  /** Shell of an init container of the user's. */
  before?: string
  /** What `app` tries once when it starts. */
  client: string
  /** Fields of the pod's spec, put over the usual ones. */
  spec?: Record<string, unknown>
}

const STAY = 'while :; do sleep 3600 & wait $!; done'
/** Ends at once on deletion, for what is no daemon. */
export const stay = `trap 'exit 0' TERM; ${STAY}`

/** One directory that all containers share; at the second place a system bus has its socket. */
const MOUNTS = ['/state', '/run/dbus'].map(mountPath => ({ name: 'state', mountPath }))
const HOME = [{ name: 'HOME', value: '/state' }]

/** A pod of `app` and its daemons. Each daemon takes a second longer to start than it would. */
export function daemonPod(name: string, image: string, work: DaemonPod): Manifest {
  const { daemons, readiness, client, before, spec } = work
  const dependsOn = work.dependsOn ?? `app: [${Object.keys(daemons).join(', ')}]\n`
  const app = `echo started; if { ${client}; } >/dev/null; then echo served; else echo refused; fi; ${stay}`
  const container = (called: string, script: string) => ({
    name: called,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', script],
    env: HOME,
    volumeMounts: MOUNTS,
  })
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { app: name },
      annotations: { 'startgate.dev/depends-on': dependsOn, 'startgate.dev/readiness': readiness },
    },
    spec: {
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsUser: 1000, runAsGroup: 1000 },
      volumes: [{ name: 'state', emptyDir: {} }],
      containers: [
        container('app', app),
        ...Object.entries(daemons).map(([called, script]) => container(called, `sleep 1; cd /state; ${script}`)),
      ],
      ...(before && { initContainers: [container('before', before)] }),
      ...spec,
    },
  }
}

/** When the runtime read the last line that matches, in ms of the node's clock. Throws when there is none. */
export async function loggedAtMs(
  namespace: TestNamespace,
  [pod, container]: [string, string],
  line: RegExp,
): Promise<number> {
  const { kubectl, name } = namespace
  const log = await kubectl.text(['logs', pod, '-n', name, '-c', container, '--timestamps'])
  const stamps = log.split('\n').flatMap(text => {
    const space = text.indexOf(' ')
    return line.test(text.slice(space + 1)) ? [Date.parse(text.slice(0, space))] : []
  })
  const last = stamps.at(-1)
  if (last === undefined) throw new Error(`no line of ${container} of ${pod} matches ${line}: ${log.slice(-400)}`)
  return last
}

/** The word of `app` on its one try. */
export async function triedOnce(namespace: TestNamespace, pod: string): Promise<'served' | 'refused' | undefined> {
  const log = await namespace.log(pod, 'app')
  return (/^(served|refused)$/m.exec(log)?.[1] as 'served' | 'refused' | undefined) ?? undefined
}
