import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { arrangement, suitePath, TOGETHER } from './suites.ts'

const ROOT = join(import.meta.dirname, '..')

/** What acts on parts that suites share, by the word that a suite has to write for it. */
const BREAKS_SHARED = {
  'installs another release': /\bopenSession\((?!\))|\b(un)?installStartgate\b|\bhelm\b/,
  "changes startgate's own objects": /\btakeDown\b|\bchangeLeaseService\b|\breplaceLeaseService\b|'rollout'/,
  'spoils certificates': /spoiled-certificates|framework\/cert-manager/,
  'acts on nodes': /\b(kubelet|runtime|node)\(|parallel-pulls|dropPulledImages|network-cut/,
  'signals processes of a node': /\bsignal\(/,
}

const faultsOf = (source: string): string[] =>
  Object.entries(BREAKS_SHARED).flatMap(([what, words]) => (words.test(source) ? [what] : []))

test.each(TOGETHER)('%s is there and breaks nothing that suites share', name => {
  expect(faultsOf(readFileSync(join(ROOT, suitePath(name)), 'utf8'))).toEqual([])
})

test('the words are those by which suites do break it', () => {
  const seen = new Set(arrangement().alone.flatMap(name => faultsOf(readFileSync(join(ROOT, suitePath(name)), 'utf8'))))
  expect([...seen].sort()).toEqual(Object.keys(BREAKS_SHARED).sort())
})

test('every suite is run once: those that are listed side by side, all others alone', () => {
  const { together, alone } = arrangement()
  expect(together).toEqual(TOGETHER)
  expect(new Set([...together, ...alone]).size).toBe(together.length + alone.length)
  for (const name of alone) expect(existsSync(join(ROOT, suitePath(name))), name).toBe(true)
})

test('a word chooses the suites that have it in their names', () => {
  expect(arrangement('faults-').alone).toContain('faults-leader')
  expect(arrangement('faults-').together).toEqual([])
  expect(arrangement('no such suite')).toEqual({ together: [], alone: [] })
})
