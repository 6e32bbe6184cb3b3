import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { SYSTEM_NAMESPACE } from './install.ts'
import { portForward } from './port-forward.ts'
import type { Session } from './session.ts'
import { limits } from './time-limits.ts'
import { waitFor } from './wait-for.ts'

export type Program = 'webhook' | 'lease-service'

/** The Secrets with what each program serves, and the one with the CAs' keys. */
export const SERVING: Record<Program, string> = {
  webhook: 'startgate-webhook-certificates',
  'lease-service': 'startgate-certificates',
}
export const CAS = 'startgate-ca'

/** Runs kubectl in startgate's own namespace. */
export function system({ kubectl }: Session, args: string[]): Promise<string> {
  return kubectl.text([...args, '-n', SYSTEM_NAMESPACE])
}

/** One key of one of startgate's Secrets; empty when there is none. */
export async function secretKey(session: Session, secret: string, key: string): Promise<string> {
  const path = `jsonpath={.data.${key.replaceAll('.', '\\.')}}`
  const data = await system(session, ['get', 'secret', secret, '--ignore-not-found', '-o', path])
  return Buffer.from(data, 'base64').toString()
}

/** Waits until each program shows the certificate in its Secret to whoever connects. */
export function bothServe(session: Session, secrets: Record<Program, string> = SERVING): Promise<unknown> {
  const serve = async () => {
    for (const program of ['webhook', 'lease-service'] as const) {
      const pem = await secretKey(session, secrets[program], 'tls.crt')
      if ((await servedBy(session, program)) !== new X509Certificate(pem).fingerprint256) return false
    }
    return true
  }
  return waitFor('both programs serve their new certificates', serve, limits.settingSeen)
}

async function servedBy({ cluster }: Session, program: Program): Promise<string> {
  const forward = await portForward(cluster, SYSTEM_NAMESPACE, `service/startgate-${program}`, 443)
  return new Promise<string>((resolve, reject) => {
    // Only looked at: what it is good for is what the gates and the API server say.
    const socket = connect({ host: '127.0.0.1', port: forward.port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
      socket.destroy()
    })
    socket.on('error', reject)
  }).finally(forward.close)
}

/** Makes every gate that waits connect again. */
export async function replaceLeaseService(session: Session): Promise<void> {
  await changeLeaseService(session, ['rollout', 'restart'])
}

/** Runs a kubectl command that replaces the pods of the lease service, and waits until it has. */
export async function changeLeaseService(session: Session, command: string[], ...settings: string[]): Promise<void> {
  const deployment = 'deployment/startgate-lease-service'
  await system(session, [...command, deployment, ...settings])
  await system(session, ['rollout', 'status', deployment, `--timeout=${limits.rollout.ms / 1_000}s`])
}

/** The CAs that API servers verify the webhook by. */
export async function publishedCas({ kubectl }: Session): Promise<string> {
  const path = 'jsonpath={.webhooks[0].clientConfig.caBundle}'
  const bundle = await kubectl.text(['get', 'mutatingwebhookconfiguration', 'startgate', '-o', path])
  return Buffer.from(bundle, 'base64').toString()
}
