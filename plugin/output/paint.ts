import type { Io } from '../model/io.ts'

export type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

/** Puts text into a colour, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string

const CODES: Record<Colour, [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
}

/** Colours on a terminal only, and not where NO_COLOR is set to anything (no-color.org) or the terminal has none. */
export function paintFor({ isTerminal, env }: Pick<Io, 'isTerminal' | 'env'>): Paint {
  const isColoured = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb'
  return isColoured ? coloured : plain
}

export const plain: Paint = (_, text) => text

const coloured: Paint = (colour, text) => {
  const [on, off] = CODES[colour]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

/**
 * Text of others (names, annotations, messages) for one line of a terminal: line ends become blanks, and other control
 * characters, by which it could be made to show what is not there, `?`.
 */
export function printable(text: string): string {
  const line = text.replace(/\r\n|[\n\u0085\u2028\u2029]/g, ' ')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return line.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?')
}
