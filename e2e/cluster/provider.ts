import { existsSync } from 'node:fs'
import { run, succeeds } from './command.ts'
import { daemonEnv } from './daemon.ts'
import { dockerProvider, kindNodeImage } from './docker-provider.ts'
import { localProvider } from './local-provider.ts'
import type { Provider } from './provider-model.ts'
import type { Log } from './step-cache.ts'

/** The provider by name. */
export function provider(kind: 'local' | 'docker'): Provider {
  return kind === 'local' ? localProvider : dockerProvider
}

/** Obeys STARTGATE_CLUSTER, or else takes a running Docker daemon that has or can pull kind's image. */
export async function chooseProvider(log: Log): Promise<Provider> {
  const forced = process.env.STARTGATE_CLUSTER
  if (forced === 'local' || forced === 'docker') return provider(forced)
  if (forced) throw new Error(`STARTGATE_CLUSTER is '${forced}'; it can be local or docker`)
  if (await dockerCanServe(log)) return dockerProvider
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/etc/debian_version'))
    return localProvider
  throw new Error(
    'no cluster possible: start a Docker daemon that can pull images, or be root on Debian (STARTGATE_CLUSTER=local)',
  )
}

async function dockerCanServe(log: Log): Promise<boolean> {
  if (process.env.DOCKER_HOST === daemonEnv().DOCKER_HOST) return false
  if (!(await succeeds(['docker', 'info', '--format', '{{.ID}}'], { timeoutMs: 10_000 }))) return false
  if (await succeeds(['docker', 'image', 'inspect', kindNodeImage()])) return true
  return run(['docker', 'pull', '-q', kindNodeImage()], { timeoutMs: 600_000 }).then(
    () => true,
    error => {
      log(`the running Docker daemon cannot pull ${kindNodeImage()} (${error.message}); using the local provider`)
      return false
    },
  )
}
