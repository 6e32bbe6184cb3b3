import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

/** Where keys and serial numbers come from; tests bring their own. */
export interface KeySource {
  /** A new RSA 2048 private key, PKCS#8 PEM. */
  newKeyPem(): Promise<string>
  serial(): Uint8Array
}

const generate = promisify(generateKeyPair)

/**
 * Real keys. Made off the event loop: one RSA key takes 140–550 ms, during which a webhook must go on answering.
 * RSA, because node-forge builds no EC certificates.
 */
export const systemKeys: KeySource = {
  async newKeyPem() {
    const { privateKey } = await generate('rsa', { modulusLength: 2048 })
    return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  },
  serial: () => randomBytes(16),
}
