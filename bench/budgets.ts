import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Budget {
  figure: string
  atMost?: number
  atLeast?: number
  unit: string
  /** Where the number comes from. */
  from: string
}

/** What was measured, by the figures' names. */
export type Figures = Record<string, number>

export function readBudgets(): Budget[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'budgets.json'), 'utf8')) as Budget[]
}

/**
 * A line for each figure that was measured: what it is, what it may be, and why. A figure without a budget is a mistake
 * of the bench.
 */
export function compared(figures: Figures, budgets: readonly Budget[]): string[] {
  const unknown = Object.keys(figures).filter(name => !budgets.some(({ figure }) => figure === name))
  if (unknown.length > 0) throw new Error(`no budget in bench/budgets.json for: ${unknown.join('; ')}`)
  return budgets.flatMap(budget => {
    const value = figures[budget.figure]
    return value === undefined ? [] : [lineOf(value, budget)]
  })
}

function lineOf(value: number, { figure, atMost, atLeast, unit, from }: Budget): string {
  const isWithin = value <= (atMost ?? value) && value >= (atLeast ?? value)
  const bound = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`
  return `${isWithin ? 'within' : 'OVER  '}  ${figure.padEnd(54)} ${shown(value).padStart(8)} ${unit.padEnd(5)}  ${bound} (${from})`
}

function shown(value: number): string {
  return value.toPrecision(3).includes('e') ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
