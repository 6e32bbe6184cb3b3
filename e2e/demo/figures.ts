import type { Measured } from './herd.ts'
import type { Figure } from './summary.ts'
import { seconds } from './table.ts'

interface Pair {
  ungated: Measured
  gated: Measured
}

/** Why anyone wants this: ready, restarts, and when. */
export function startFigures({ ungated, gated }: Pair, limit: number): Figure[] {
  return [
    {
      ...readyFigure('pods ready', { ungated, gated }),
      ...(ungated.ready === ungated.pods
        ? { broken: 'without startgate all became ready too: nothing was shown' }
        : {}),
      ...(gated.ready < gated.pods ? { broken: 'not all became ready with startgate' } : {}),
    },
    {
      what: 'restarts',
      ungated: String(ungated.restarts),
      gated: String(gated.restarts),
      ...(gated.restarts > 0 ? { broken: 'containers were restarted with startgate' } : {}),
    },
    whenFigure('last one ready after', { ungated, gated }),
    countFigure('starting at once', { limit, ungated: ungated.starting, gated: gated.starting }),
  ]
}

export function pullFigures({ ungated, gated }: Pair, limit: number): Figure[] {
  const notAll = ungated.ready < ungated.pods || gated.ready < gated.pods
  return [
    countFigure('pulling at once, by the registry', { limit, ungated: ungated.pulling, gated: gated.pulling }),
    {
      ...whenFigure('last cold pod ready after', { ungated, gated }),
      ...(notAll ? { broken: 'not all pods with cold images became ready' } : {}),
    },
  ]
}

/** A, B, C: B and C must have begun when A was ready, by what the containers wrote themselves. */
export function orderLine({ starts, ready, pods }: Measured): { text: string; broken?: string } {
  const [a, b, c] = ['a', 'b', 'c'].map(name => starts.get(name))
  if (ready < pods || !a || !b || !c)
    return { text: 'A, B, C: not all became ready', broken: 'A, B, C did not all start' }
  const later = (ms: number) => seconds(Math.abs(ms - a.toMs)) + (ms >= a.toMs ? ' after' : ' before')
  const text = `A, B, C: B began ${later(b.fromMs)} A was ready, C ${later(c.fromMs)}`
  return b.fromMs >= a.toMs && c.fromMs >= a.toMs ? { text } : { text, broken: 'the order A, B, C did not hold' }
}

function readyFigure(what: string, { ungated, gated }: Pair): Figure {
  const value = ({ ready, pods }: Measured) => `${ready} of ${pods}`
  return { what, ungated: value(ungated), gated: value(gated) }
}

function whenFigure(what: string, { ungated, gated }: Pair): Figure {
  const value = ({ allReadyMs, shownMs }: Measured) =>
    allReadyMs === undefined ? `not in ${Math.floor(shownMs / 1000)} s` : seconds(allReadyMs)
  return { what, ungated: value(ungated), gated: value(gated) }
}

function countFigure(what: string, counts: { limit: number; ungated: number; gated: number }): Figure {
  const { limit, ungated, gated } = counts
  const over = gated > limit ? { broken: `the limit did not hold: ${what}` } : {}
  return { what, limit, ungated: String(ungated), gated: String(gated), ...over }
}
