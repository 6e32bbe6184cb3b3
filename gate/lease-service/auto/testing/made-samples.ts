import type { NodeFigures } from '../../../../core/node-figures.ts'
import { madeFigures } from '../../testing/made-figures.ts'
import { type AutoSample, type EndedStarts, NOTHING_ENDED } from '../sample.ts'

/** Figures of a node of 4 cores, idle but for what is given. */
export function idleFigures(figures: Partial<NodeFigures> = {}): NodeFigures {
  return madeFigures({ cores: 4, busy: 0.05, runnable: 0, ...figures })
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
    asked: 0,
    isShort: true,
    ...parts,
    figures: idleFigures(figures),
    ended: { ...NOTHING_ENDED, ...ended },
  }
}
