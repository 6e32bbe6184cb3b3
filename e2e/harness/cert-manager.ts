import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Cluster } from '../cluster/cluster.ts'
import { ownerMark, run } from '../cluster/command.ts'
import { withLock } from '../cluster/lock.ts'
import { goEnv } from '../cluster/node-image.ts'
import { cached, contentHash } from '../cluster/step-cache.ts'
import { limits } from './time-limits.ts'

const SOURCE = join(import.meta.dirname, '..', 'cert-manager')
const MODULE = 'github.com/cert-manager/cert-manager'

export interface CertManager {
  /** Ends the process. The CRDs stay: helm can leave cert-manager behind only while they are there. */
  stop(): Promise<void>
  removeCrds(): Promise<void>
}

/**
 * Puts cert-manager's CRDs on the cluster and runs its controllers beside it. The first time they are built, which
 * takes minutes.
 */
export async function startCertManager({ env }: Cluster): Promise<CertManager> {
  const build = async (into: string): Promise<void> => {
    await run(['go', 'build', '-o', join(into, 'cert-manager'), '.'], { cwd: SOURCE, env: goEnv() })
  }
  // Who takes another cluster down meanwhile clears away half results.
  const built = await withLock(
    () => undefined,
    () => cached('cert-manager', contentHash([], [SOURCE]), build),
  )
  const source = await run(['go', 'list', '-m', '-f', '{{.Dir}}', MODULE], { cwd: SOURCE, env: goEnv() })
  const crds = join(source.stdout.trim(), 'deploy', 'crds')
  await run(['kubectl', 'apply', '--server-side', '-f', crds], { env })
  await run(['kubectl', 'wait', '--for=condition=Established', '--timeout=60s', '-f', crds], { env })
  const child = spawn(join(built, 'cert-manager'), { env: { ...env, ...ownerMark('step') }, stdio: 'pipe' })
  let said = ''
  child.stderr.on('data', chunk => {
    said = (said + chunk).slice(-2_000)
  })
  const ended = once(child, 'exit')
  const first = once(child.stdout, 'data', { signal: AbortSignal.timeout(limits.settingSeen.ms) })
  await Promise.race([first, ended.then(() => Promise.reject(new Error(`cert-manager ended: ${said}`)))])
  return {
    stop: async () => {
      child.kill()
      await ended
    },
    removeCrds: async () => void (await run(['kubectl', 'delete', '-f', crds, '--ignore-not-found'], { env })),
  }
}
