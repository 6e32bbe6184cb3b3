import { compareText } from '../../../core/compare-text.ts'
import { fieldsOf } from '../../../core/is-object.ts'
import type { Learned, LearnedLimits } from '../auto/learned.ts'

/** Leases: some 40 bytes a node and up to 256 KiB of annotations each are enough for 5,000 nodes several times over. */
export const SHARDS = 8
/** Of one Lease, the latest. */
const MOST_ENTRIES = 2_000
/** Names of nodes may have 253 characters. */
const MOST_TEXT = 200_000
/** Of what is read: nobody but us writes it, and it is bounded all the same. */
const LONGEST_READ = 262_144
const MOST_LIMIT = 999_999_999

/** `n/<node>` or `k/<kind>`, and what was found. */
type Entry = readonly [key: string, learned: Learned]

/** The entries of each Lease, in an order that is the same for the same entries. */
export function shardsOf({ nodes, kinds }: LearnedLimits, shards: number): Entry[][] {
  const all: Entry[] = [
    ...[...nodes].map(([name, learned]): Entry => [`n/${name}`, learned]),
    ...[...kinds].map(([name, learned]): Entry => [`k/${name}`, learned]),
  ]
  const parts = Array.from({ length: shards }, (): Entry[] => [])
  for (const entry of all) parts[hashOf(entry[0]) % shards]?.push(entry)
  return parts.map(entries =>
    entries.sort(([a, { atMs: aMs }], [b, { atMs: bMs }]) => bMs - aMs || compareText(a, b)).slice(0, MOST_ENTRIES),
  )
}

/** As JSON, `{"n/worker-1": [3, 1764442800]}`: the limit, and the second in which it was last in force. */
export function textOf(entries: readonly Entry[]): string {
  const kept: Record<string, [limit: number, atSeconds: number]> = {}
  let length = 2
  for (const [key, { limit, atMs }] of entries) {
    length += key.length + 30
    if (length > MOST_TEXT) break
    kept[key] = [limit, Math.round(atMs / 1_000)]
  }
  return JSON.stringify(kept)
}

/** What cannot be read is left out: it is learned anew. */
export function readLearned(texts: readonly (string | undefined)[]): LearnedLimits {
  const [nodes, kinds] = [new Map<string, Learned>(), new Map<string, Learned>()]
  for (const text of texts)
    for (const [key, value] of entriesIn(text)) {
      const [limit, atSeconds]: unknown[] = Array.isArray(value) ? value : []
      if (!isWhole(limit) || limit < 1 || limit > MOST_LIMIT || !isWhole(atSeconds)) continue
      const into = key.startsWith('n/') ? nodes : kinds
      into.set(key.slice(2), { limit, atMs: atSeconds * 1_000 })
    }
  return { nodes, kinds }
}

function entriesIn(text = ''): [string, unknown][] {
  if (text.length > LONGEST_READ) return []
  try {
    return Object.entries(fieldsOf(JSON.parse(text))).slice(0, MOST_ENTRIES)
  } catch {
    return []
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return hash
}
