import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCertificate } from '../../certs/x509.ts'
import { GATE_ENV } from '../../core/names.ts'
import { run } from '../cluster/command.ts'
import { unpackPackages } from '../cluster/debian.ts'
import { scratch } from '../cluster/step-cache.ts'
import { SERVING, secretKey } from '../harness/certificates.ts'
import { SYSTEM_NAMESPACE } from '../harness/install.ts'
import { portForward } from '../harness/port-forward.ts'
import type { Session } from '../harness/session.ts'

const LIBFAKETIME = 'usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'

/**
 * What a gate is answered whose clock is off, in faketime's notation (`-50m`), by each offset. It is no pod, since the
 * clock of a container is its node's: a gate's client on this machine, with a token that nobody gave it.
 */
export function askWithClocks(session: Session, offsets: readonly string[]): Promise<Record<string, string>> {
  return scratch('faketime', async dir => {
    const tree = join(dir, 'tree')
    await unpackPackages(['libfaketime'], dir, tree)
    const tokenPath = join(dir, 'token')
    await writeFile(tokenPath, 'none')
    const env = await gateEnv(session)
    const forward = await portForward(session.cluster, SYSTEM_NAMESPACE, 'service/startgate-lease-service', 443)
    const ask = async (offset: string): Promise<string> => {
      const clock = { LD_PRELOAD: join(tree, LIBFAKETIME), FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1' }
      const address = { [GATE_ENV.address]: `127.0.0.1:${forward.port}` }
      const argv = [process.execPath, join(import.meta.dirname, 'ask-once.ts'), tokenPath]
      return (await run(argv, { env: { ...env, ...address, ...clock } })).stdout
    }
    try {
      const answers: Record<string, string> = {}
      for (const offset of offsets) answers[offset] = await ask(offset)
      return answers
    } finally {
      forward.close()
    }
  })
}

/** As the webhook would write it into a pod that is made now. */
async function gateEnv(session: Session): Promise<NodeJS.ProcessEnv> {
  const { dnsNames = [] } = readCertificate(await secretKey(session, SERVING['lease-service'], 'tls.crt')) ?? {}
  return {
    [GATE_ENV.gate]: 'startgate-start',
    [GATE_ENV.serverName]: dnsNames.find(name => name.startsWith('startgate-lease-service')),
    [GATE_ENV.ca]: await secretKey(session, SERVING['lease-service'], 'ca.crt'),
    [GATE_ENV.podUid]: 'none',
  }
}
