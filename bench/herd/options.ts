import { parseArgs } from 'node:util'
import { herds, type Letter } from './herds.ts'

/** `ungated`, a number of starts a node, `auto`, or `lone`: a single pod of the herd, ungated. */
export type Variant = 'ungated' | 'auto' | 'lone' | `${number}`

export interface Options {
  letters: Letter[]
  variants: Variant[]
  rounds: number
}

export const USAGE =
  'usage: node bench/herd/main.ts [--only a,c] [--variants lone,ungated,1,2,4,8,auto] [--rounds 3]   lone: in herd a only'

const ALL: readonly Variant[] = ['lone', 'ungated', '1', '2', '4', '8', 'auto']

/** Reads the command line. Throws an error with a sentence for what is not understood. */
export function parseOptions(args: string[]): Options {
  const options = { only: { type: 'string' }, variants: { type: 'string' }, rounds: { type: 'string' } } as const
  const { values } = parseArgs({ args, options })
  const rounds = Number(values.rounds ?? 3)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 99) throw new Error(`--rounds: ${values.rounds} is no count`)
  const letters = wordsOf(values.only) ?? Object.keys(herds)
  const unknown = letters.find(letter => !Object.hasOwn(herds, letter))
  if (unknown !== undefined) throw new Error(`--only: there is no herd ${unknown}`)
  return { letters: letters as Letter[], variants: (wordsOf(values.variants) ?? [...ALL]).map(variantOf), rounds }
}

const wordsOf = (text: string | undefined): string[] | undefined =>
  text === undefined ? undefined : [...new Set(text.split(',').map(word => word.trim()))]

function variantOf(word: string): Variant {
  if (word === 'ungated' || word === 'auto' || word === 'lone') return word
  if (/^[1-9]\d?$/.test(word)) return word as Variant
  throw new Error(`--variants: ${word} is none of ungated, lone, auto, or a limit from 1 to 99`)
}

export interface PlannedRun {
  letter: Letter
  /** From 1. */
  round: number
  variant: Variant
}

/** All runs in order. Each round has all variants, and begins with another one, so that none is always the first. */
export function planRuns({ letters, variants, rounds }: Options): PlannedRun[] {
  return letters.flatMap(letter => {
    const own = variants.filter(variant => variant !== 'lone' || letter === 'a')
    return Array.from({ length: rounds }, (_, i) => i).flatMap(i =>
      own.map((_, k) => ({ letter, round: i + 1, variant: own[(k + i) % own.length] ?? 'ungated' })),
    )
  })
}

/** How long runs take, about, and at most, in whole minutes. */
export function minutesOf(runs: readonly PlannedRun[]): { usual: number; most: number } {
  const usual = runs.reduce((sum, run) => sum + (run.variant === 'lone' ? 40 : herds[run.letter].usualSeconds), 0)
  const most = runs.reduce((sum, run) => sum + herds[run.letter].longestMs / 1_000 + 60, 0)
  return { usual: Math.ceil(usual / 60), most: Math.ceil(most / 60) }
}
