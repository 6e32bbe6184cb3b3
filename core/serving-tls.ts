import type { Server } from 'node:https'

/** Every caller speaks it: the API server, the kubelet and Prometheus (Go), and gates (Node). */
export const MIN_TLS_VERSION = 'TLSv1.3'

/** PEM. */
export interface ServingCertificate {
  certPem: string
  keyPem: string
}

/** Where a program's certificate comes from; certs/ has two of them. */
export interface CertificateView {
  /** Calls the listener at each change, and at once when there is a certificate already. */
  onChange(listener: (certificate: ServingCertificate) => void): unknown
}

export interface ServingTls {
  cert: string
  key: string
  minVersion: typeof MIN_TLS_VERSION
  /** Verifies clients' certificates. */
  ca?: string
}

/**
 * Options of a TLS server, and of its `setSecureContext` when the certificate is replaced. To be used for both:
 * `setSecureContext` resets to Node's default every option it is not given, the minimum version too.
 */
export function servingTls({ certPem, keyPem }: ServingCertificate, clientCa: string | null = null): ServingTls {
  return { cert: certPem, key: keyPem, minVersion: MIN_TLS_VERSION, ...(clientCa && { ca: clientCa }) }
}

/**
 * Makes a TLS server with the first certificate there is, for which it waits, and gives it each later one, without a
 * restart.
 */
export async function withCertificates<S>(
  { certificates, clientCa = null }: { certificates: CertificateView; clientCa?: string | null },
  build: (tls: ServingTls) => S,
  serverOf: (built: S) => Pick<Server, 'setSecureContext'>,
): Promise<S> {
  const first = await new Promise<ServingCertificate>(resolve => void certificates.onChange(resolve))
  const built = build(servingTls(first, clientCa))
  certificates.onChange(next => serverOf(built).setSecureContext(servingTls(next, clientCa)))
  return built
}
