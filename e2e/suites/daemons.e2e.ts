import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest'
import { loadImage } from '../cluster/cluster.ts'
import { daemonsImage } from '../cluster/daemon-images.ts'
import { namespaceFor, openSession, type Session } from '../harness/session.ts'
import { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { type DaemonPod, daemonPod, loggedAtMs, stay, triedOnce } from '../workloads/daemon-pods.ts'
import { FORKING, NOTIFYING, ON_A_BUS } from '../workloads/daemons.ts'
import { conditionIn, containerIn, isReady, readPod, shellIn } from '../workloads/sequenced-pods.ts'

const GATED = { gated: true, settings: { 'max-starting': '100', 'max-starting-per-node': '100' } }

let session: Session
let image: string
beforeAll(async () => {
  session = await openSession()
  image = await daemonsImage(session.cluster.env)
  await loadImage(session.cluster, image)
}, 300_000)

const startedIs = async (namespace: TestNamespace, pod: string) =>
  conditionIn(await readPod(namespace, pod), 'startgate.dev/Started')

const allStarted = (namespace: TestNamespace, pod: string) =>
  waitFor(
    `the condition of ${pod} says that all have started`,
    async () => (await startedIs(namespace, pod))?.reason === 'AllReady',
    limits.podReady,
  )

describe('who depends on a daemon that nobody here wrote starts when that is ready, and is served on the first try', () => {
  const pods: Record<string, DaemonPod> = { ...NOTIFYING, ...ON_A_BUS, ...FORKING }
  let namespace: TestNamespace
  beforeAll(async () => {
    namespace = await TestNamespace.create(session.kubectl, 'daemons', GATED)
    await namespace.apply(Object.entries(pods).map(([name, work]) => daemonPod(name, image, work)))
  }, 60_000)
  afterAll(() => namespace.remove(), 300_000)

  test.each(Object.entries(pods))('%s', async (name, { daemons, readyLine }) => {
    onTestFailed(({ task }) => namespace.save(task))
    await isReady(namespace, name)
    expect(await waitFor('app has tried', () => triedOnce(namespace, name), limits.podReady)).toBe('served')
    const [first = ''] = Object.keys(daemons)
    const startedAtMs = await loggedAtMs(namespace, [name, 'app'], /^started$/)
    if (readyLine) expect(startedAtMs).toBeGreaterThanOrEqual(await loggedAtMs(namespace, [name, first], readyLine))
    await allStarted(namespace, name)
  })

  test('and systemd-notify, which waits until it is heard, has been heard', async () => {
    expect(await namespace.log('systemd-notify', 'barrier')).toMatch(/^heard$/m)
  })
})

test('what a daemon says of its start is in the pod condition, and one that is silent has failed at its start timeout', async () => {
  const namespace = await namespaceFor(session, { word: 'silent', ...GATED })
  const says = daemonPod('says', image, {
    daemons: {
      daemon: `systemd-notify --status="loaded 3 of 9"; until [ -f go ]; do sleep 0.2; done; systemd-notify --ready; ${stay}`,
    },
    readiness: 'daemon: notify\n',
    client: 'test -f /state/go',
  })
  const silent = daemonPod('silent', image, {
    daemons: { daemon: stay },
    readiness: 'daemon: notify\n',
    client: 'test -f /state/go',
  })
  Object.assign(silent.metadata.annotations ?? {}, { 'startgate.dev/start-timeout': '3s' })
  await namespace.apply([says, silent])

  const isShown = async () => (await startedIs(namespace, 'says'))?.message?.includes('loaded 3 of 9')
  await waitFor('the condition shows STATUS=', isShown, limits.podReady)
  await shellIn(namespace, ['says', 'daemon'], 'touch /state/go')
  await isReady(namespace, 'says')

  const late = async () => (await startedIs(namespace, 'silent'))?.reason === 'TimedOut'
  await waitFor('the condition says that the silent daemon is late', late, limits.podReady)
  expect((await startedIs(namespace, 'silent'))?.message).toMatch(
    /daemon is not ready in time; app waits for daemon \(ready\)/,
  )
  const event = async () => (await namespace.events('silent')).find(({ reason }) => reason === 'StartgateTimedOut')
  const { message } = await waitFor('an Event says so', event, limits.eventSeen)
  expect(message).toMatch(/^daemon is not ready within 3 s: app waits for it/)
  expect(containerIn(await readPod(namespace, 'silent'), 'app')?.state?.running).toBeUndefined()
  // It speaks after all.
  await shellIn(namespace, ['silent', 'daemon'], 'touch /state/go; systemd-notify --ready')
  await isReady(namespace, 'silent')
  expect(await triedOnce(namespace, 'silent')).toBe('served')
})

test('containers of any user can notify, with an fsGroup and without', async () => {
  const namespace = await namespaceFor(session, { word: 'users', ...GATED })
  const users = [0, 1000, 65_534, 12_345]
  const daemons = Object.fromEntries(
    users.map(user => [`as-${user}`, `systemd-notify --ready && touch told-${user}; ${stay}`]),
  )
  const readiness = users.map(user => `as-${user}: notify\n`).join('')
  const podOf = (name: string, securityContext: object) => {
    const client = users.map(user => `test -f /state/told-${user}`).join(' && ')
    const made = daemonPod(name, image, { daemons, readiness, client, spec: { securityContext } })
    const { containers } = made.spec as { containers: { name: string; securityContext?: object }[] }
    for (const user of users)
      for (const container of containers)
        if (container.name === `as-${user}`) container.securityContext = { runAsUser: user, runAsGroup: user }
    return made
  }
  await namespace.apply([podOf('plain', {}), podOf('grouped', { fsGroup: 2000 })])
  for (const name of ['plain', 'grouped']) {
    await isReady(namespace, name)
    expect(await waitFor('app has tried', () => triedOnce(namespace, name), limits.podReady)).toBe('served')
  }
})

/** Four senders at once, as fast as they are let: a queue takes 10 datagrams, and then a sender waits. */
const FLOOD = `
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
children = []
while len(children) < 3:
    pid = os.fork()
    if pid == 0: break
    children.append(pid)
began = time.monotonic()
for n in range(2000): s.send(b"STATUS=sent %d" % n)
if pid == 0: os._exit(0)
for pid in children: os.waitpid(pid, 0)
s.send(b"STATUS=all sent")
print("took %.2f s" % (time.monotonic() - began), flush=True)
while not os.path.exists("go"): time.sleep(0.1)
s.send(b"READY=1")
while os.path.exists("go"): time.sleep(0.1)
try:
    for n in range(100): s.send(b"STATUS=late")
except ConnectionRefusedError: print("nobody listens", flush=True)
time.sleep(3600)
`

/** Resident memory of the processes of the pod's agent by what they run, in KiB. */
async function agentMemory(namespace: TestNamespace, pod: string): Promise<Map<string, number>> {
  const script =
    "for p in /proc/[0-9]*; do /busybox tr '\\0' ' ' <$p/cmdline; echo; /busybox grep VmRSS $p/status; done 2>/dev/null"
  const said = await shellIn(namespace, [pod, 'startgate'], script)
  return new Map(
    [...said.matchAll(/^(\S+).*\nVmRSS:\s+(\d+) kB$/gm)].map(([, program = '', kib]) => [program, Number(kib)]),
  )
}

test('a daemon that floods its socket is not held up and loses nothing, not even when the agent is a sleeping shell', async () => {
  const namespace = await namespaceFor(session, { word: 'flood', ...GATED })
  const daemons = { flood: `exec python3 -uc '${FLOOD}'` }
  await namespace.apply([daemonPod('flood', image, { daemons, readiness: 'flood: notify\n', client: 'true' })])
  const isHeard = async () => (await startedIs(namespace, 'flood'))?.message?.includes('all sent')
  await waitFor('the condition shows the last of 8,000 words', isHeard, limits.podReady)
  const starting = await agentMemory(namespace, 'flood')
  expect(starting.get('node')).toBeGreaterThan(0)

  await shellIn(namespace, ['flood', 'flood'], 'touch /state/go')
  await isReady(namespace, 'flood')
  const asleep = await waitFor(
    'the agent has shrunk to its shell',
    async () => {
      const memory = await agentMemory(namespace, 'flood')
      return !memory.has('node') && memory
    },
    limits.podReady,
  )
  await shellIn(namespace, ['flood', 'flood'], 'rm /state/go')
  const goesOn = async () => /^nobody listens$/m.test(await namespace.log('flood', 'flood'))
  await waitFor('a sender that nobody listens to goes on', goesOn, limits.gateRunning)
  // As in a container that starts again: an error at once, and no wait.
  expect(await shellIn(namespace, ['flood', 'flood'], 'systemd-notify --ready 2>/dev/null || echo refused')).toMatch(
    /^refused$/m,
  )
  const [, took] = /^took (\S+) s$/m.exec(await namespace.log('flood', 'flood')) ?? []
  const shown = (memory: Map<string, number>) => [...memory].map(([program, kib]) => `${program} ${kib} KiB`).join(', ')
  console.info(`8,000 datagrams of four senders in ${took} s; agent: ${shown(starting)}, then ${shown(asleep)}`)
})
