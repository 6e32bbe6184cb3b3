import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { deployment, pod } from '../harness/pod-templates.ts'
import { allReady, podIs } from '../harness/pod-waits.ts'
import { namespaceFor, observerFor, openSession, type Session } from '../harness/session.ts'
import { heldLeases } from '../harness/system.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const STARTING = { phase: 'starting' } as const

test('a floor gets a namespace out of a deadlock: the one that the others wait for passes the full limit', async () => {
  const observer = await observerFor(session)
  const settings = { 'max-starting': '2', 'max-starting-per-node': '50', 'min-start-rate': '12/min' }
  const namespace = await namespaceFor(session, { word: 'floor', gated: true, settings })
  await namespace.apply(['b', 'c'].map(name => pod(name, { image: APP_IMAGE, stuck: true })))
  for (const name of ['b', 'c']) await podIs(observer, [namespace.name, name], STARTING, limits.podReady)
  await namespace.apply([pod('a', { image: APP_IMAGE })])
  await podIs(observer, [namespace.name, 'a'], { phase: 'ready' }, limits.podReady)
  const spans = observer.starting([namespace.name]).spans
  expect(spans.filter(s => s.pod !== 'a').map(s => s.endedBy)).toEqual([undefined, undefined])
  const event = async () => (await namespace.events('a')).find(e => e.reason === 'StartgateOverLimit')
  const { message } = await waitFor('an Event on the pod that passed', event, limits.eventSeen)
  expect(message).toContain('min-start-rate')
})

test('max-start-rate: one start in three seconds, however much room there is', async () => {
  const observer = await observerFor(session)
  const settings = { 'max-starting': '50', 'max-starting-per-node': '50', 'max-start-rate': '20/min' }
  const namespace = await namespaceFor(session, { word: 'rate', gated: true, settings })
  await namespace.apply([deployment('web', 5, { image: APP_IMAGE })])
  const pods = await allReady(observer, namespace.name, 5, limits.herdReady)
  const logs = await namespace.logs('startgate-start')
  const grantedAt = pods.map(({ metadata: { name } }) => {
    const lines = logs.get(name)?.split('\n') ?? []
    return lines.map(line => JSON.parse(line) as { time: string; msg: string }).find(l => l.msg === 'granted')?.time
  })
  const inOrder = grantedAt.map(time => Date.parse(time ?? '')).sort((a, b) => a - b)
  // Four gaps of 3 s between five grants, by the gates' own clocks; a busy node may hear of its first grant late.
  expect((inOrder.at(-1) ?? 0) - (inOrder[0] ?? 0)).toBeGreaterThan(10_000)
})

/** Ready at once, then ends; when started again it hangs before it gets ready. */
const ENDS_ONCE = `
trap 'exit 0' TERM
if [ -f /state/again ]; then rm -f /state/ready; sleep 3600 & wait $!; fi
touch /state/again /state/ready
sleep 4 & wait $!
exit 1
`

test('a restart that nobody could gate counts against the limit until it is past starting', async () => {
  const observer = await observerFor(session)
  const settings = { 'max-starting': '2', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'debt', gated: true, settings })
  const restarts = pod('restarts', { image: APP_IMAGE, probe: 'file' })
  const { containers } = restarts.spec as { containers: { command: string[] }[] }
  for (const container of containers) container.command = ['sh', '-c', ENDS_ONCE]
  await namespace.apply([restarts])
  const isBack = () =>
    observer.pods(namespace.name).some(({ status }) => {
      const app = status?.containerStatuses?.[0]
      return app?.restartCount === 1 && app.state?.running !== undefined && !app.ready
    })
  await waitFor('the container is started again', isBack, limits.podReady)
  await namespace.apply([pod('holder', { image: APP_IMAGE, stuck: true })])
  await podIs(observer, [namespace.name, 'holder'], STARTING, limits.podReady)
  await namespace.apply([pod('waits', { image: APP_IMAGE })])
  const said = async () => {
    const log = await namespace.log('waits', 'startgate-start')
    return /has \d+ of \d+ slots in use, [^;"]*/.exec(log)?.[0]
  }
  const reason = await waitFor('the gate says what it waits for', said, limits.gateRunning)
  expect(reason).toBe('has 2 of 2 slots in use, 1 of them by starts without a slot')
  await namespace.kubectl.run(['delete', 'pod', 'restarts', '-n', namespace.name, '--wait=false'])
  await podIs(observer, [namespace.name, 'waits'], { phase: 'ready' }, limits.podReady)
})

test('a Lease that somebody deletes while its pod starts: the start is a debt, and nobody starts beside it', async () => {
  const observer = await observerFor(session)
  // Debt takes a limit down to one at worst.
  const settings = { 'max-starting': '2', 'max-starting-per-node': '50' }
  const namespace = await namespaceFor(session, { word: 'lease', gated: true, settings })
  await namespace.apply(['starts', 'holder'].map(name => pod(name, { image: APP_IMAGE, stuck: true })))
  for (const name of ['starts', 'holder']) await podIs(observer, [namespace.name, name], STARTING, limits.podReady)
  await namespace.apply([pod('waits', { image: APP_IMAGE })])
  const says = (text: string) => async () => (await namespace.log('waits', 'startgate-start')).includes(text)
  await waitFor('a gate waits for the slot', says('has 2 of 2 slots in use'), limits.gateRunning)
  const [lease] = (await heldLeases(session.kubectl)).filter(l => l.holder.startsWith(`${namespace.name}/starts`))
  await session.kubectl.run(['delete', 'lease', lease?.name ?? '', '-n', SYSTEM_NAMESPACE])
  const debt = 'has 2 of 2 slots in use, 1 of them by starts without a slot'
  await waitFor('the gate says that the slot is a debt now', says(debt), limits.deletedLease)
  await namespace.kubectl.run(['delete', 'pod', 'starts', '-n', namespace.name, '--wait=false'])
  await podIs(observer, [namespace.name, 'waits'], { phase: 'ready' }, limits.podReady)
  expect(observer.starting([namespace.name]).peak.count).toBe(2)
})
