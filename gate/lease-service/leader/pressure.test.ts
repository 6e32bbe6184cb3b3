import { expect, test } from 'vitest'
import type { GateMessage } from '../../../core/lease-api.ts'
import type { Node, Pod } from '../../../core/pod.ts'
import { madeFigures } from '../testing/made-figures.ts'
import { madeNode, madePod } from '../testing/made-pods.ts'
import { madeService, quiet } from '../testing/made-service.ts'

const NODE = { maxStarting: 3, maxPressure: { cpu: 60 } }
const last = (heard: GateMessage[]): string | undefined => heard.at(-1)?.kind
const kinds = (gates: GateMessage[][]) => gates.map(last)

function podOn(nodeName: string, name: string): Pod {
  const pod = madePod(name)
  return { ...pod, spec: { ...pod.spec, nodeName } }
}

/** The pod's app is ready, seen together with the end of its gate. */
function ready(name: string): Pod {
  const gate = { name: 'startgate-start', ready: true, restartCount: 0, containerID: `gate-${name}` }
  const terminated = { exitCode: 0, containerID: `gate-${name}` }
  const app = { name: 'app', ready: true, restartCount: 0, containerID: `app-${name}`, state: { running: {} } }
  const initContainerStatuses = [{ ...gate, state: { terminated } }]
  return madePod(name, { phase: 'Running', initContainerStatuses, containerStatuses: [app] })
}

function annotated(maxPressure: string): Node {
  const { metadata, ...node } = madeNode()
  const annotations = { 'startgate.dev/max-pressure': maxPressure }
  return { ...node, metadata: { ...metadata, uid: 'node-uid', annotations } }
}

/** `own`: the node's annotation, and nothing in the chart. */
async function threeUnderPressure(percent: number, own?: string) {
  const made = madeService(
    ['a', 'b', 'c'].map(name => madePod(name)),
    own ? { maxStarting: 3 } : NODE,
  )
  await made.service.startLeading(1)
  if (own) made.service.nodeChanged(annotated(own))
  const gates: GateMessage[][] = []
  for (const name of ['a', 'b', 'c']) gates.push(await made.ask(name, { pressure: { cpu: percent } }))
  await quiet()
  return { ...made, gates }
}
const identity = (name: string) => ({ namespace: 'shop', podName: name, podUid: name })

test('on a node under pressure one at a time begins, and the others hear why they wait', async () => {
  const { service, gates } = await threeUnderPressure(86.6)
  expect(kinds(gates)).toEqual(['granted', 'waiting', 'waiting'])
  expect(gates[1]?.at(-1)).toMatchObject({
    reason: 'start: node worker-1, under cpu pressure of 87 % (at most 60 %), has 1 of 1 slots in use; next in line',
  })
  expect(service.view.usage()).toContainEqual(expect.objectContaining({ scope: 'node/worker-1', limit: 1, held: 1 }))
  service.podChanged(ready('a'))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'granted', 'waiting'])
})

test("a node's labels give it the maximum and the limit of its pool, and another line at once", async () => {
  const pods = ['a', 'b', 'c', 'd'].map(name => madePod(name))
  const pools = [
    { name: 'nodePools[0]', matchLabels: { pool: 'busy' }, maxPressure: { cpu: 60 } },
    { name: 'nodePools[1]', matchLabels: { pool: 'calm' }, maxStarting: 2 },
  ]
  const { service, ask } = madeService(pods, { maxStarting: 3 }, {}, pools)
  await service.startLeading(1)
  const inPool = (pool: string): Node => {
    const { metadata, ...node } = madeNode()
    return { ...node, metadata: { ...metadata, labels: { pool } } }
  }
  service.nodeChanged(inPool('busy'))
  const gates: GateMessage[][] = []
  for (const name of ['a', 'b', 'c', 'd']) gates.push(await ask(name, { pressure: { cpu: 86.6 } }))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'waiting', 'waiting', 'waiting'])
  service.nodeChanged(inPool('calm'))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'granted', 'waiting', 'waiting'])
  service.nodeChanged(madeNode())
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'granted', 'granted', 'waiting'])
})

test('without pressure as many begin as there are slots', async () => {
  expect(kinds((await threeUnderPressure(60)).gates)).toEqual(['granted', 'granted', 'granted'])
})

test("a node's annotation is a maximum without the chart's, a bad one is told of once and changes nothing", async () => {
  const { service, gates, events } = await threeUnderPressure(86.6, 'cpu: 70')
  const outcome = () => [
    kinds(gates),
    events.map(({ regarding: { kind, name }, reason }) => `${kind} ${name} ${reason}`),
  ]
  const waits = ['granted', 'waiting', 'waiting']
  expect(outcome()).toEqual([waits, []])
  const annotate = async (text: string) => {
    service.nodeChanged(annotated(text))
    await quiet()
  }
  await annotate('80 %')
  await annotate('80 %')
  const told = ['Node worker-1 StartgateBadAnnotation']
  expect(outcome()).toEqual([waits, told])
  expect(service.view.badAnnotations()).toEqual([{ kind: 'Node', name: 'worker-1', count: 1 }])
  await annotate('cpu: 90')
  expect(service.view.badAnnotations()).toEqual([])
  expect(outcome()).toEqual([['granted', 'granted', 'granted'], told])
})

test('one who waits is asked for a new figure, and a low one lets all go', async () => {
  const { world, service, gates } = await threeUnderPressure(90)
  world.nowMs += 5_000
  service.podChanged(madePod('c'))
  await quiet()
  const asked = gates.map(heard => heard.filter(m => m.kind === 'waiting' && m.pressureTo !== undefined).length)
  expect(asked).toEqual([0, 0, 1])
  expect(gates[2]?.at(-1)).toMatchObject({ pressureTo: '192.0.2.1:8443' })
  await service.takePressure(identity('c'), { podUid: 'c', pressure: { cpu: 12 } })
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'granted', 'granted'])
  expect(service.view.pressures()).toEqual([['worker-1', { cpu: 12 }]])
})

test('a figure that nobody renews holds a node back for 15 s', async () => {
  const { world, service, gates } = await threeUnderPressure(90)
  world.nowMs += 14_000
  service.podChanged(madePod('c'))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'waiting', 'waiting'])
  world.nowMs += 1_000
  service.podChanged(madePod('c'))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'granted', 'granted'])
})

test('a pod with more containers than one is let go when it is alone, and not told to raise a limit', async () => {
  const big = madePod('big')
  big.spec.containers = [...big.spec.containers, { name: 'second', readinessProbe: {} }]
  const { service, ask, events } = madeService([madePod('a'), big], NODE)
  await service.startLeading(1)
  const a = await ask('a', { pressure: { cpu: 90 } })
  const both = await ask('big')
  await quiet()
  expect(kinds([a, both])).toEqual(['granted', 'waiting'])
  service.podChanged(ready('a'))
  await quiet()
  expect([last(both), events.map(e => e.reason)]).toEqual(['granted', []])
})

test("a forged figure slows the forger's own node to one at a time, and no other", async () => {
  const mine = ['a', 'b'].map(name => podOn('worker-1', name))
  const others = ['c', 'd'].map(name => podOn('worker-2', name))
  const { service, ask } = madeService([...mine, ...others], NODE)
  await service.startLeading(1)
  await service.takePressure(identity('a'), { podUid: 'a', pressure: { cpu: 100 } })
  const gates: GateMessage[][] = []
  for (const name of ['a', 'b', 'c', 'd']) gates.push(await ask(name))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'waiting', 'granted', 'granted'])
})

test('a replica that does not lead takes no figure', async () => {
  const { service } = madeService([madePod('a')], NODE)
  const told = service.takePressure(identity('a'), { podUid: 'a', pressure: { cpu: 100 } })
  await expect(told).rejects.toMatchObject({ code: 'NO_LEADER' })
})

test("a node's waiter holds it back, and lets all go at once when the CPU is not busy", async () => {
  const { service, ask } = madeService(
    ['a', 'b', 'c'].map(name => madePod(name)),
    NODE,
  )
  await service.startLeading(1)
  service.takeFigures('worker-1', madeFigures({ pressure: { cpu: 90 } }))
  const gates: GateMessage[][] = []
  for (const name of ['a', 'b', 'c']) gates.push(await ask(name))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'waiting', 'waiting'])
  service.takeFigures('elsewhere', madeFigures({ pressure: { cpu: 0 } }))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'waiting', 'waiting'])
  service.takeFigures('worker-1', madeFigures({ pressure: { cpu: 10 } }))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'granted', 'granted'])
})

test('a gate that waits through a waiter is not asked for pressure', async () => {
  const { world, service, ask } = madeService(
    ['a', 'b', 'c'].map(name => madePod(name)),
    NODE,
  )
  await service.startLeading(1)
  const gates: GateMessage[][] = []
  for (const name of ['a', 'b', 'c']) gates.push(await ask(name, { pressure: { cpu: 90 }, isShared: true }))
  await quiet()
  world.nowMs += 6_000
  service.podChanged(madePod('c'))
  await quiet()
  expect(kinds(gates)).toEqual(['granted', 'waiting', 'waiting'])
  expect(gates.flat().filter(m => m.kind === 'waiting' && m.pressureTo !== undefined)).toEqual([])
})

test('a replica that does not lead leaves figures alone', () => {
  const { service } = madeService([madePod('a')], NODE)
  service.takeFigures('worker-1', madeFigures({ pressure: { cpu: 90 } }))
  expect(service.view.pressures()).toEqual([])
})
