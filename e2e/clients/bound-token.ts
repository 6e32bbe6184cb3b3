import { createSign } from 'node:crypto'
import type { Cluster } from '../cluster/cluster.ts'
import { execOnNode } from '../cluster/nodes.ts'
import type { Kubectl } from '../harness/kubectl.ts'

export interface TokenRequest {
  namespace: string
  audience: string
  boundTo?: { name: string; uid: string }
}

/** A real token from the API server, for an audience, bound to a pod or to none. */
export async function issuedToken(kubectl: Kubectl, { namespace, audience, boundTo }: TokenRequest): Promise<string> {
  const bound = boundTo
    ? ['--bound-object-kind=Pod', `--bound-object-name=${boundTo.name}`, `--bound-object-uid=${boundTo.uid}`]
    : []
  return (
    await kubectl.text(['create', 'token', 'default', '-n', namespace, `--audience=${audience}`, ...bound])
  ).trim()
}

export interface Claims {
  iat: number
  nbf: number
  exp: number
}

/** The token with some claims changed and its signature as it was. */
export function tampered(token: string, changes: Partial<Claims>): string {
  const [head, , signature] = token.split('.')
  return `${head}.${withClaims(token, changes)}.${signature}`
}

/**
 * The token with some claims changed, signed by the cluster's own service account key: the API server issues none for
 * less than ten minutes, so one that has expired is made here.
 */
export async function resigned(cluster: Cluster, token: string, changes: Partial<Claims>): Promise<string> {
  const node = cluster.nodes.find(n => n.role === 'control-plane')?.name ?? ''
  const { stdout: key } = await execOnNode(cluster, node, ['cat', '/etc/kubernetes/pki/sa.key'])
  const [head = ''] = token.split('.')
  const signed = `${head}.${withClaims(token, changes)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`
}

function withClaims(token: string, changes: Partial<Claims>): string {
  const [, payload = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  return Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url')
}
