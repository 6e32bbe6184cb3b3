/**
 * RFC 6902, of it only what fast-json-patch and the API server's evanphx/json-patch v4 read alike: plain indexes, no
 * `-`, no replacing of the root.
 */
export type Operation = { op: 'add' | 'replace'; path: string; value: unknown } | { op: 'remove'; path: string }
