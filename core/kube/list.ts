import { isGone } from './kube-error.ts'
import type { ApiTransport, Query } from './transport.ts'

const PAGE_SIZE = 500

/**
 * Everything a path lists, page by page, as one consistent snapshot, read from etcd's quorum and not from a cache.
 * `resourceVersion` is where a watch goes on. A snapshot that expires between pages is begun anew, once.
 */
export async function listAll<T>(
  transport: ApiTransport,
  path: string,
  query: Query = {},
): Promise<{ items: T[]; resourceVersion: string }> {
  const attempt = async () => {
    const items: T[] = []
    let token: string | undefined
    for (;;) {
      const page = await transport.request<ListPage<T>>({
        method: 'GET',
        path,
        query: { ...query, limit: PAGE_SIZE, continue: token },
      })
      for (const item of page.items ?? []) items.push(item)
      token = page.metadata?.continue || undefined
      if (!token) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
    }
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
