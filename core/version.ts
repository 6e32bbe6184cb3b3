/** Of the programs in this image, as in package.json and the chart's appVersion. */
export const VERSION = '0.1.0'

export type Skew = 'same' | 'older' | 'newer'

/**
 * How another program's version stands to this one's, to the patch level. A program that names none is of the time
 * before they did; a version that cannot be read is taken for one of the future.
 */
export function skewOf(version: string | undefined, own: string = VERSION): Skew {
  if (version === undefined) return 'older'
  const theirs = numbersOf(version)
  const ours = numbersOf(own)
  if (!theirs || !ours) return 'newer'
  const differs = theirs.findIndex((part, index) => part !== ours[index])
  if (differs < 0) return 'same'
  return (theirs[differs] ?? 0) < (ours[differs] ?? 0) ? 'older' : 'newer'
}

function numbersOf(version: string): number[] | undefined {
  const parts = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+]|$)/.exec(version)
  return parts?.slice(1).map(Number)
}
