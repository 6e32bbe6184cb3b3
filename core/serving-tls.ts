/** Every caller speaks it: the API server, the kubelet and Prometheus (Go), and gates (Node). */
export const MIN_TLS_VERSION = 'TLSv1.3'

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
export function servingTls(
  { certPem, keyPem }: { certPem: string; keyPem: string },
  clientCa: string | null = null,
): ServingTls {
  return { cert: certPem, key: keyPem, minVersion: MIN_TLS_VERSION, ...(clientCa && { ca: clientCa }) }
}
