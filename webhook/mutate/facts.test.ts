import { expect, test } from 'vitest'
import { parseClusterConfig } from '../../core/cluster-config.ts'
import { goodConfig } from '../../core/testing/good-config.ts'
import { NamespaceView } from '../cluster/namespace-view.ts'
import { NodeImages } from '../cluster/node-images.ts'
import { podOf } from '../testing/facts.ts'
import { factsFor, missingFacts } from './facts.ts'

const nodeWaiter = { name: 'startgate-node-waiter', port: 7373 }
const config = parseClusterConfig(JSON.stringify({ ...goodConfig(), nodeWaiter }))
const view = (waitersAreAway: boolean, missing: string[] = []) => ({
  address: () => '10.96.0.20:443',
  missing: () => missing,
  namespaces: new NamespaceView(),
  nodes: new NodeImages(),
  waitersAreAway: () => waitersAreAway,
  kubelets: { areFitFor: () => false },
  leaderReadsSidecarGates: () => false,
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

test('gates stay where the kubelets hold them, or by order; never where the leader cannot read them, or not by order', () => {
  const stays = (gates: string, areFit: boolean, canRead: boolean) => {
    const asked = parseClusterConfig(JSON.stringify({ ...goodConfig(), sequence: { gates } }))
    const seen = { ...view(false), kubelets: { areFitFor: () => areFit }, leaderReadsSidecarGates: () => canRead }
    return factsFor('shop', { config: asked, view: seen, ca: () => 'PEM' })?.hasSidecarGates?.(podOf())
  }
  const all = ['auto', 'sidecar', 'init'].map(gates => [
    stays(gates, true, true),
    stays(gates, false, true),
    stays(gates, true, false),
  ])
  expect(all).toEqual([
    [true, false, false],
    [true, true, false],
    [false, false, false],
  ])
})

test('nothing is known while something is missing', () => {
  expect(factsFor('shop', { config, view: view(false, ['nodes not listed yet']), ca: () => 'PEM' })).toBeUndefined()
  expect(factsFor('shop', { config, view: view(false), ca: () => undefined })).toBeUndefined()
  const missing = (sentences: string[], ca?: string) => missingFacts({ view: view(false, sentences), ca: () => ca })
  expect(missing(['nodes not listed yet'])).toEqual(['nodes not listed yet', 'no certificate yet'])
  expect(missing([], 'PEM')).toEqual([])
})
