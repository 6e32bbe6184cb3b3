/** A duration in its two largest units: `45 s`, `3 min 20 s`, `5 h`, `2 d 4 h`. Less than nothing is nothing. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return two(seconds, [60, 'min'], [1, 's'])
  return seconds < 86_400 ? two(seconds, [3_600, 'h'], [60, 'min']) : two(seconds, [86_400, 'd'], [3_600, 'h'])
}

type Unit = [seconds: number, name: string]

function two(seconds: number, [large, name]: Unit, [small, smallName]: Unit): string {
  const rest = Math.floor((seconds % large) / small)
  return `${Math.floor(seconds / large)} ${name}${rest > 0 ? ` ${rest} ${smallName}` : ''}`
}
