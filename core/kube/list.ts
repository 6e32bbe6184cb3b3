import { isGone } from './kube-error.ts'
import type { ApiTransport, Query } from './transport.ts'

/** Objects of 16 KiB make 4 MiB: some 30 ms to parse, in which nothing else happens. */
const PAGE_SIZE = 250

export interface Page<T> {
  items: T[]
  /** Where a watch goes on; of all pages the same. */
  resourceVersion: string
}

/**
 * Everything a path lists, page by page, as one consistent snapshot, read from etcd's quorum and not from a cache.
 * Fails as gone when the snapshot expires between pages. Who takes its time with a page holds that one only.
 */
export async function* pagesOf<T>(transport: ApiTransport, path: string, query: Query = {}): AsyncGenerator<Page<T>> {
  let token: string | undefined
  do {
    const { items, metadata } = await transport.request<ListPage<T>>({
      method: 'GET',
      path,
      query: { ...query, limit: PAGE_SIZE, continue: token },
    })
    token = metadata?.continue || undefined
    yield { items: items ?? [], resourceVersion: metadata?.resourceVersion ?? '' }
  } while (token)
}

/** All of `pagesOf` together. A snapshot that expires between pages is begun anew, once. */
export async function listAll<T>(transport: ApiTransport, path: string, query: Query = {}): Promise<Page<T>> {
  const attempt = async (): Promise<Page<T>> => {
    const all: Page<T> = { items: [], resourceVersion: '' }
    for await (const { items, resourceVersion } of pagesOf<T>(transport, path, query)) {
      for (const item of items) all.items.push(item)
      all.resourceVersion = resourceVersion
    }
    return all
  }
  return attempt().catch(error => {
    if (isGone(error)) return attempt()
    throw error
  })
}

interface ListPage<T> {
  metadata?: { resourceVersion?: string; continue?: string }
  items?: T[] | null
}
