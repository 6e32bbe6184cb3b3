/** CAs are replaced a day and more before they are needed; a link is made seldom. */
const GOOD_FOR_MS = 30_000

/**
 * The CAs to believe, read again where a link is made later than that. An API server that is down keeps nobody away.
 */
export function createKeptCa(read: () => Promise<string>, monotonicMs: () => number): () => Promise<string> {
  let kept: { pem: string; atMs: number } | undefined
  let reading: Promise<string> | undefined
  const readNow = async (): Promise<string> => {
    try {
      const pem = await read()
      kept = { pem, atMs: monotonicMs() }
      return pem
    } catch (error) {
      if (kept) return kept.pem
      throw error
    } finally {
      reading = undefined
    }
  }
  return async () => {
    if (kept && monotonicMs() - kept.atMs < GOOD_FOR_MS) return kept.pem
    reading ??= readNow()
    return reading
  }
}
