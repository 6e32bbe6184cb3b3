import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readPressureTexts } from '../pod/node-pressure.ts'
import type { LeaderLinks } from './leader-links.ts'
import { figuresBetween, type NodeReading, readingOf } from './node-figures.ts'

/** How often a leader gets figures at most. */
export const FIGURES_MS = 1_000

export interface FiguresFeedDeps {
  /** Reads the kernel's files; undefined where they do not tell. Never rejects. */
  read: () => Promise<NodeReading | undefined>
  links: Pick<LeaderLinks, 'wantFigures' | 'figuresDue' | 'tellFigures'>
}

/**
 * Tells leaders how the node does while gates wait there: one step, to be called each FIGURES_MS. Nothing is read while
 * nobody waits, and what was read before then is left out: the mean of an idle hour tells nothing of now.
 */
export function figuresFeed({ read, links }: FiguresFeedDeps): () => Promise<void> {
  let before: NodeReading | undefined
  let isReading = false
  return async () => {
    if (!links.wantFigures()) before = undefined
    else if (!isReading && (!before || links.figuresDue())) {
      isReading = true
      const after = await read()
      isReading = false
      const figures = before && after && figuresBetween(before, after)
      before = after
      if (figures) links.tellFigures(figures)
    }
  }
}

/** Of this node: neither /proc/stat nor /proc/pressure has namespaces. */
export async function readNode(monotonicMs: () => number, proc = '/proc'): Promise<NodeReading | undefined> {
  // Alone: it counts the tasks that run, of which one reader is taken off.
  const stat = await readFile(join(proc, 'stat'), 'utf8').catch(() => '')
  const pressure = await readPressureTexts(join(proc, 'pressure'))
  return readingOf({ stat, pressure }, monotonicMs())
}
