import type { Work } from './node-model.ts'

export const HERD_KINDS = ['cpu', 'two-threads', 'jvm', 'sleep', 'disk', 'half', 'mixed'] as const
export type HerdKind = (typeof HERD_KINDS)[number]

/** `count` starts that take about `seconds` each where nobody else is, give or take a fifth. */
export function herdOf(kind: HerdKind, count: number, seconds: number): Work[][] {
  return Array.from({ length: count }, (_, i) => workOf(kind, seconds * (0.8 + (0.4 * ((i * 7919) % 101)) / 100), i))
}

function workOf(kind: HerdKind, seconds: number, i: number): Work[] {
  switch (kind) {
    case 'cpu':
      return [{ kind: 'cpu', seconds, threads: 1 }]
    case 'two-threads':
      return [{ kind: 'cpu', seconds: 2 * seconds, threads: 2 }]
    // Compiles beside it runs, reads its classes, is alone for a while, and waits for what it needs.
    case 'jvm':
      return [
        { kind: 'cpu', seconds: seconds * 0.8, threads: 2 },
        { kind: 'disk', seconds: seconds * 0.02 },
        { kind: 'cpu', seconds: seconds * 0.4, threads: 1 },
        { kind: 'sleep', seconds: seconds * 0.1 },
      ]
    case 'sleep':
      return [{ kind: 'sleep', seconds }]
    case 'disk':
      return [{ kind: 'disk', seconds }]
    case 'half':
      return Array.from({ length: 20 }, (_, at): Work => {
        const part = { seconds: seconds / 20 }
        return at % 2 === 0 ? { kind: 'cpu', ...part, threads: 1 } : { kind: 'sleep', ...part }
      })
    case 'mixed':
      return workOf((['cpu', 'sleep', 'jvm', 'half'] as const)[i % 4] ?? 'cpu', seconds, i)
  }
}
