import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { APART, arrangement, namesIn, suitePath, TOGETHER } from './suites.ts'

const ROOT = join(import.meta.dirname, '..')

/** What acts on parts that suites share, by the word that a suite has to write for it. */
const BREAKS_SHARED = {
  'installs another release': /\bopenSession\((?!\))|\b(un)?installStartgate\b|\bhelm\b/,
  "changes startgate's own objects": /\btakeDown\b|\bchangeLeaseService\b|\breplaceLeaseService\b|'rollout'/,
  'spoils certificates': /spoiled-certificates|harness\/cert-manager/,
  'acts on nodes': /\b(kubelet|runtime|node)\(|parallel-pulls|dropPulledImages|network-cut/,
  'signals processes of a node': /\bsignal\(/,
}

const faultsOf = (source: string): string[] =>
  Object.entries(BREAKS_SHARED).flatMap(([what, words]) => (words.test(source) ? [what] : []))

test.each(TOGETHER)('%s is there and breaks nothing that suites share', name => {
  expect(faultsOf(readFileSync(join(ROOT, suitePath(name)), 'utf8'))).toEqual([])
})

test('the words are those by which suites do break it', () => {
  const { apart, alone } = arrangement()
  const sources = [...apart, ...alone].map(name => readFileSync(join(ROOT, suitePath(name)), 'utf8'))
  expect([...new Set(sources.flatMap(faultsOf))].sort()).toEqual(Object.keys(BREAKS_SHARED).sort())
})

test('every suite runs once, and one that is listed is there', () => {
  const names = namesIn(arrangement())
  expect(names).toHaveLength(new Set(names).size)
  expect(names).toEqual(expect.arrayContaining([...TOGETHER, ...APART]))
  for (const name of names) expect(existsSync(join(ROOT, suitePath(name))), name).toBe(true)
})

test('a suite that nobody has listed runs alone', () => {
  expect(arrangement('pressure')).toEqual({ together: [], apart: [], alone: ['pressure'] })
})

const READS_THE_MACHINE = /max-pressure|=auto\b|parseCpuTimes|parsePressure/

test.each([...TOGETHER, ...APART])('%s reads no figures of the machine, which other suites load', name => {
  expect(readFileSync(join(ROOT, suitePath(name)), 'utf8')).not.toMatch(READS_THE_MACHINE)
})

test('the words are those of suites that do read them', () => {
  const reads = (name: string) => READS_THE_MACHINE.test(readFileSync(join(ROOT, suitePath(name)), 'utf8'))
  expect(namesIn(arrangement()).filter(reads)).toEqual(['auto', 'pressure'])
})

test('a word chooses the suites that have it in their names', () => {
  expect(arrangement('faults-leader').apart).toEqual(['faults-leader'])
  expect(namesIn(arrangement('no such suite'))).toEqual([])
})
