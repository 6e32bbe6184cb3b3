/** A limit that was found. */
export interface Learned {
  limit: number
  /** When it was last in force while figures came. */
  atMs: number
}

/** What outlives a leader. */
export interface LearnedLimits {
  nodes: ReadonlyMap<string, Learned>
  kinds: ReadonlyMap<string, Learned>
}

export const NOTHING_LEARNED: LearnedLimits = { nodes: new Map(), kinds: new Map() }

/** The same with other times. */
export function shifted({ nodes, kinds }: LearnedLimits, atMsOf: (atMs: number) => number): LearnedLimits {
  const each = (limits: ReadonlyMap<string, Learned>) =>
    new Map([...limits].map(([name, { limit, atMs }]) => [name, { limit, atMs: atMsOf(atMs) }]))
  return { nodes: each(nodes), kinds: each(kinds) }
}
