import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { changedLines, type Header, type Row, renderTable, rowState } from './table.ts'

const rows: Row[] = [
  { pod: 'web-1', node: 'worker', phase: 'ready', restarts: 0, waitsFor: '' },
  { pod: 'starting-22', node: 'worker2', phase: 'starting', restarts: 3, waitsFor: 'its probe' },
  { pod: 'web-3', node: '', phase: 'pending', restarts: 0, waitsFor: 'a start slot: place 1 of 4' },
]
const header: Header = {
  title: 'gated',
  about: 'two at a time',
  counted: 'starting',
  limit: 2,
  peak: 2,
  pods: 4,
  elapsedMs: 12_340,
}

test('shows each pod, its node, its phase and what it waits for', () => {
  expect(renderTable(header, rows, { width: 80, color: false })).toEqual([
    'gated  12.3 s',
    'two at a time',
    'POD          NODE     PHASE     RESTARTS  WAITS FOR',
    'web-1        worker   ready     0',
    'starting-22  worker2  starting  3         its probe',
    'web-3                 pending   0         a start slot: place 1 of 4',
    'starting 1 (most so far 2, limit 2)   ready 1 of 4   restarts 3',
  ])
})

test('an ungated run has no limit', () => {
  const { limit: _, ...ungated } = header
  expect(renderTable(ungated, rows, { width: 80, color: false }).at(-1)).toContain('no limit')
})

test('colours change no text and only the phase, whatever the pod is called', () => {
  const view = { width: 80, color: true }
  const lines = renderTable(header, rows, view)
  expect(lines.map(stripVTControlCharacters)).toEqual(renderTable(header, rows, { ...view, color: false }))
  expect(lines[4]).toBe('starting-22  worker2  \u001b[35mstarting\u001b[0m  3         its probe')
})

test('no line is longer than the terminal', () => {
  for (const line of renderTable(header, rows, { width: 30, color: true })) {
    expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(30)
  }
})

test('a restart is told, also where the phase is the same again', () => {
  const before = new Map(rows.map(row => [row.pod, rowState(row)]))
  const restarted = rows.map(row => ({ ...row, restarts: row.pod === 'starting-22' ? 4 : row.restarts }))
  expect(changedLines(before, rows, 5000)).toEqual([])
  expect(changedLines(before, restarted, 5000)).toEqual([
    '   5.0 s  starting-22  worker2  starting (restart 4)  waits for its probe',
  ])
})

test('without a terminal, only changes are told', () => {
  const before = new Map([
    ['web-1', 'ready'],
    ['starting-22', 'pending'],
  ])
  expect(changedLines(before, rows, 5000)).toEqual([
    '   5.0 s  starting-22  worker2  starting (restart 3)  waits for its probe',
    '   5.0 s  web-3  -  pending  waits for a start slot: place 1 of 4',
  ])
})
