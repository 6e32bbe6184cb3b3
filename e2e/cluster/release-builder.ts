import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Builder } from '../../release/image/build-image.ts'
import { ownerMark, run } from './command.ts'
import { goEnv } from './node-image.ts'
import { endProcesses } from './processes.ts'
import { cached, contentHash, scratch } from './step-cache.ts'

const SOURCE = join(import.meta.dirname, '..', 'release-tools')
const TOOLS = ['github.com/moby/buildkit/cmd/buildkitd', 'github.com/docker/buildx/cmd/buildx']
const START_MS = 30_000
const STOP_MS = 10_000

/** Pinned, and the newest that the Go proxies have; a krew plugin is installed by krew itself. */
const KREW = 'sigs.k8s.io/krew/cmd/krew@v0.4.3'

/** Folder with buildkitd and buildx, built from Go modules; the first time that takes minutes. */
function buildTools(): Promise<string> {
  return cached('release-tools', contentHash([TOOLS], [SOURCE]), async into => {
    await run(['go', 'build', '-o', `${into}/`, ...TOOLS], { cwd: SOURCE, env: goEnv() })
  })
}

/** The krew program, built from its Go module. */
export async function krewBinary(): Promise<string> {
  const dir = await cached('krew', contentHash([KREW]), async into => {
    await run(['go', 'install', KREW], { env: { ...goEnv(), GOBIN: into, GOFLAGS: '' } })
  })
  return join(dir, 'krew')
}

/**
 * Runs `use` with a BuildKit of its own, which can build for every platform as long as nothing of the image has to run,
 * and leaves nothing behind. Needs root, but no Docker daemon and no registry. Only for who holds the lock.
 */
export async function withReleaseBuilder<T>(use: (builder: Builder) => Promise<T>): Promise<T> {
  const tools = await buildTools()
  return scratch('buildkit', async dir => {
    const socket = join(dir, 'sock')
    const address = `unix://${socket}`
    const worker = ['--containerd-worker=false', '--oci-worker=true', '--oci-worker-snapshotter=native']
    const args = ['--root', join(dir, 'root'), '--addr', address, ...worker]
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...ownerMark('step') }
    const child = spawn(join(tools, 'buildkitd'), args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    child.stderr.on('data', chunk => {
      said = (said + chunk).slice(-2_000)
    })
    try {
      const untilMs = performance.now() + START_MS
      while (!existsSync(socket)) {
        if (child.exitCode !== null || performance.now() > untilMs) throw new Error(`buildkitd does not start: ${said}`)
        await sleep(50)
      }
      const buildx = join(tools, 'buildx')
      const client = { ...env, BUILDX_CONFIG: join(dir, 'buildx'), BUILDX_BUILDER: 'release' }
      await run([buildx, 'create', '--name', 'release', '--driver', 'remote', address], { env: client })
      return await use({ command: [buildx], env: client })
    } finally {
      if (child.pid !== undefined) await endProcesses([child.pid], STOP_MS)
    }
  })
}
