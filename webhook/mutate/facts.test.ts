import { expect, test } from 'vitest'
import { parseClusterConfig } from '../../core/cluster-config.ts'
import { goodConfig } from '../../core/testing/good-config.ts'
import { NamespaceView } from '../cluster/namespace-view.ts'
import { NodeImages } from '../cluster/node-images.ts'
import { factsFor } from './facts.ts'

const nodeWaiter = { name: 'startgate-node-waiter', port: 7373 }
const config = parseClusterConfig(JSON.stringify({ ...goodConfig(), nodeWaiter }))
const view = (waitersAreAway: boolean, missing: string[] = []) => ({
  address: () => '10.96.0.20:443',
  missing: () => missing,
  namespaces: new NamespaceView(),
  nodes: new NodeImages(),
  waitersAreAway: () => waitersAreAway,
})

test('gates look for a waiter, but not while no node has one', () => {
  const portsOf = (isAway: boolean) => {
    const facts = factsFor('shop', { config, view: view(isAway), ca: () => 'PEM' })
    return [facts?.settings.waiterPort, facts?.throughWaiters?.waiterPort]
  }
  expect([portsOf(false), portsOf(true)]).toEqual([
    [7373, undefined],
    [undefined, 7373],
  ])
})

test('nothing is known while something is missing', () => {
  expect(factsFor('shop', { config, view: view(false, ['nodes not listed yet']), ca: () => 'PEM' })).toBeUndefined()
  expect(factsFor('shop', { config, view: view(false), ca: () => undefined })).toBeUndefined()
})
