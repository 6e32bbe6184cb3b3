/** One request that a node made of the registry. */
export interface RegistryRequest {
  startedAtMs: number
  endedAtMs: number
  method: string
  /** Repository without host and tag, as in `registry.test:5000/<image>:1`. */
  image: string
  kind: 'manifest' | 'blob'
  /** Digest, or the tag a manifest was asked for by. */
  reference: string
  clientIp: string
  bytes: number
  status: number
}

/** The time from the first to the last byte of one pull of an image by one node. */
export interface PullInterval {
  image: string
  clientIp: string
  startMs: number
  endMs: number
  bytes: number
}

interface LogLine {
  ended: number
  seconds: number
  method: string
  uri: string
  client: string
  bytes: number
  status: number
}

/** Parses nginx's log of JSON lines. Requests for anything but manifests and blobs are left out, oldest first. */
export function parseRegistryLog(text: string): RegistryRequest[] {
  return text
    .split('\n')
    .filter(line => line.trim() !== '')
    .flatMap(parseLine)
    .sort((a, b) => a.startedAtMs - b.startedAtMs || a.endedAtMs - b.endedAtMs)
}

function parseLine(line: string): RegistryRequest[] {
  let entry: LogLine
  try {
    entry = JSON.parse(line) as LogLine
  } catch {
    // The last line of a log that is being written.
    return []
  }
  const match = /^\/v2\/(.+)\/(manifest|blob)s\/([^/?]+)/.exec(entry.uri)
  if (!match) return []
  const [, image = '', kind, reference = ''] = match
  const endedAtMs = Math.round(entry.ended * 1000)
  return [
    {
      startedAtMs: endedAtMs - Math.round(entry.seconds * 1000),
      endedAtMs,
      method: entry.method,
      image,
      kind: kind === 'blob' ? 'blob' : 'manifest',
      reference,
      clientIp: entry.client,
      bytes: entry.bytes,
      status: entry.status,
    },
  ]
}

/**
 * Folds requests into pulls. A pull is the blob downloads of one image by one node; the node downloading the manifest
 * again, after the blobs so far have ended, begins another pull. Asking for the tag does not: each pod that wants the
 * image asks, and containerd lets those that come during a pull share it. An image that needs no blob is no pull.
 */
export function pullIntervals(log: readonly RegistryRequest[]): PullInterval[] {
  const open = new Map<string, PullInterval>()
  const intervals: PullInterval[] = []
  for (const request of [...log].sort((a, b) => a.startedAtMs - b.startedAtMs)) {
    const key = `${request.clientIp} ${request.image}`
    const current = open.get(key)
    if (isManifestDownload(request)) {
      if (current && request.startedAtMs >= current.endMs) open.delete(key)
    } else if (isDownload(request)) {
      const { image, clientIp, startedAtMs: startMs, endedAtMs, bytes } = request
      if (current) {
        current.endMs = Math.max(current.endMs, endedAtMs)
        current.bytes += bytes
      } else {
        const interval = { image, clientIp, startMs, endMs: endedAtMs, bytes }
        open.set(key, interval)
        intervals.push(interval)
      }
    }
  }
  return intervals
}

function isManifestDownload({ kind, method, status }: RegistryRequest): boolean {
  return kind === 'manifest' && method === 'GET' && status === 200
}

function isDownload({ kind, method, status }: RegistryRequest): boolean {
  return kind === 'blob' && method === 'GET' && status >= 200 && status < 300
}

/** The highest number of pulls that ran at the same moment. */
export function peakConcurrency(intervals: readonly PullInterval[]): number {
  const edges = intervals.flatMap(({ startMs, endMs }) => [
    { atMs: startMs, change: 1 },
    { atMs: endMs, change: -1 },
  ])
  // A pull that ends as another starts does not overlap it.
  edges.sort((a, b) => a.atMs - b.atMs || a.change - b.change)
  let running = 0
  let peak = 0
  for (const { change } of edges) {
    running += change
    peak = Math.max(peak, running)
  }
  return peak
}
