import type { NodeFigures } from '../../../../core/node-figures.ts'
import { type AutoSample, type EndedStarts, NOTHING_ENDED } from '../sample.ts'

/** Figures of a node of 4 cores, idle but for what is given. */
export function madeFigures(figures: Partial<NodeFigures> = {}): NodeFigures {
  return { cores: 4, busy: 0.05, ioWait: 0, runnable: 1, pressure: {}, stalled: {}, ...figures }
}

export interface SampleParts extends Partial<Omit<AutoSample, 'figures' | 'ended'>> {
  figures?: Partial<NodeFigures>
  ended?: Partial<EndedStarts>
}

/** A sample of such a node, whose slots are all held by containers that run while others wait. */
export function madeSample({ figures, ended, ...parts }: SampleParts, limit: number): AutoSample {
  return {
    nowMs: 0,
    held: limit,
    running: limit,
    isShort: true,
    ...parts,
    figures: madeFigures(figures),
    ended: { ...NOTHING_ENDED, ...ended },
  }
}
