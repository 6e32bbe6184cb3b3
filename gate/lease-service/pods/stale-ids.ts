import type { Grant } from '../model/grant.ts'
import { digestOf, isDigest } from './image-key.ts'

/** What they may take of a Lease's annotations, which have 256 KiB together. */
const MAX_LENGTH = 32_768

/** Container IDs in a form that a Lease can hold: as they are, or all as digests where they are many or long. */
export function storableIds(ids: readonly string[]): string[] {
  const length = ids.reduce((sum, id) => sum + id.length, 0)
  return length > MAX_LENGTH ? ids.map(digestOf) : [...ids]
}

/** Whether a container ID speaks of a run from before the grant. */
export function isStale({ staleContainerIds }: Pick<Grant, 'staleContainerIds'>, id: string): boolean {
  const areDigests = staleContainerIds[0] !== undefined && isDigest(staleContainerIds[0])
  return staleContainerIds.includes(areDigests ? digestOf(id) : id)
}
