import type { Bundle } from './bundle.ts'
import { isKeyOf } from './x509.ts'

/** What a TLS server needs, and what its clients must trust. PEM. */
export interface ServingIdentity {
  certPem: string
  keyPem: string
  /** All trusted CAs. */
  caBundlePem: string
}

export type IdentityListener = (identity: ServingIdentity) => void

/** The identity in use, told to listeners when it changes; a server hands it to `setSecureContext`. */
export interface IdentityView {
  /** Undefined until certificates were found or made: not ready. */
  current(): ServingIdentity | undefined
  /** Called at each change, and at once when there is an identity already. Returns how to stop listening. */
  onChange(listener: IdentityListener): () => void
}

/** Keeps the last good identity: a broken one never replaces it. */
export class IdentityHolder implements IdentityView {
  #current: ServingIdentity | undefined
  readonly #listeners = new Set<IdentityListener>()

  /** Takes the bundle's identity if its key fits. Says whether anything changed. */
  offer(bundle: Bundle): 'Changed' | 'Unchanged' | 'Unusable' {
    const { certPem, keyPem } = bundle.serving
    if (!isKeyOf(certPem, keyPem) || bundle.trusted.length === 0) return 'Unusable'
    const identity = { certPem, keyPem, caBundlePem: bundle.trusted.join('') }
    if (this.#current && JSON.stringify(this.#current) === JSON.stringify(identity)) return 'Unchanged'
    this.#current = identity
    for (const listener of this.#listeners) listener(identity)
    return 'Changed'
  }

  current(): ServingIdentity | undefined {
    return this.#current
  }

  onChange(listener: IdentityListener): () => void {
    this.#listeners.add(listener)
    if (this.#current) listener(this.#current)
    return () => this.#listeners.delete(listener)
  }
}
