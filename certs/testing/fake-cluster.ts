import { generateKeyPairSync } from 'node:crypto'
import type { SecretData } from '../bundle.ts'
import type { KeySource } from '../keys.ts'
import type { CaPublisher, LocatedSecretReader, SecretStore, StoredSecret } from '../store.ts'

/** For tests: a Secret with the API server's compare-and-swap, and the CA field of a webhook configuration. */
export class FakeCluster implements SecretStore, LocatedSecretReader, CaPublisher {
  readonly location = { namespace: 'startgate-system', name: 'certificates' }
  secret: StoredSecret | undefined
  caBundle: string | undefined
  /** Every bundle that was ever published, oldest first. */
  readonly published: string[] = []
  /** Thrown by the next calls until taken away. */
  secretFault: Error | undefined
  publishFault: Error | undefined
  writes = 0
  #version = 0

  async read(): Promise<StoredSecret | undefined> {
    await this.#delay()
    return this.secret && structuredClone(this.secret)
  }

  async create(data: SecretData): Promise<'Written' | 'Conflict'> {
    await this.#delay()
    return this.secret ? 'Conflict' : this.#write(data)
  }

  async replace(read: StoredSecret, data: SecretData): Promise<'Written' | 'Conflict'> {
    await this.#delay()
    const isSame = this.secret?.metadata.resourceVersion === read.metadata.resourceVersion
    return isSame ? this.#write(data) : 'Conflict'
  }

  async publish(caBundlePem: string): Promise<'Patched' | 'Unchanged'> {
    await this.#delay()
    if (this.publishFault) throw this.publishFault
    if (this.caBundle === caBundlePem) return 'Unchanged'
    this.caBundle = caBundlePem
    this.published.push(caBundlePem)
    return 'Patched'
  }

  /** As someone's `kubectl edit` would. */
  edit(change: (data: SecretData) => void): void {
    if (!this.secret) throw new Error('there is no Secret to edit')
    const data = { ...this.secret.data }
    change(data)
    this.#write(data)
  }

  #write(data: SecretData): 'Written' {
    this.writes++
    this.#version++
    this.secret = { data: { ...data }, metadata: { name: 'certificates', resourceVersion: String(this.#version) } }
    return 'Written'
  }

  /** Lets the other replicas in between. */
  async #delay(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    if (this.secretFault) throw this.secretFault
  }
}

/**
 * For tests: real RSA keys that are quickly made, from a small stock, each serial another. 1024 bits do for everything
 * but TLS.
 */
export function stockedKeys(stock: number, modulusLength: 1024 | 2048 = 1024): KeySource {
  const pems = Array.from({ length: stock }, () =>
    generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
  let keys = 0
  let serials = 0
  return {
    newKeyPem: async () => pems[keys++ % pems.length] ?? '',
    serial() {
      const serial = Buffer.alloc(16, 0xff)
      serial.writeUInt32BE(++serials, 0)
      return serial
    },
  }
}
