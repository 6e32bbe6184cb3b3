import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from './command.ts'

/** Programs the local provider needs, each with the Debian package that has it. */
const PROGRAMS: Readonly<Record<string, string>> = {
  '/usr/bin/docker': 'docker.io',
  '/usr/sbin/dockerd': 'docker.io',
  '/usr/bin/containerd': 'containerd',
  '/usr/sbin/runc': 'runc',
  '/usr/sbin/debootstrap': 'debootstrap',
  '/usr/sbin/iptables': 'iptables',
  '/bin/busybox': 'busybox-static',
  '/usr/bin/gcc': 'gcc',
  '/usr/include/stdio.h': 'libc6-dev',
  '/usr/bin/strip': 'binutils',
  '/bin/ip': 'iproute2',
  '/bin/tar': 'tar',
  '/etc/ssl/certs/ca-certificates.crt': 'ca-certificates',
}

const APT_ENV = { DEBIAN_FRONTEND: 'noninteractive' }
let updated = false

/** Packages that are not on this machine yet. */
function missingPackages(exists: (path: string) => boolean = existsSync, programs = PROGRAMS): string[] {
  return [...new Set(Object.entries(programs).flatMap(([path, name]) => (exists(path) ? [] : [name])))]
}

/** Installs what is missing. Docker's own service is not started by this: the provider runs a daemon by hand. */
export const installMissingPackages = (): Promise<void> => installPrograms(PROGRAMS)

/** Installs the Debian packages of those programs that are not there. */
export async function installPrograms(programs: Readonly<Record<string, string>>): Promise<void> {
  const packages = missingPackages(existsSync, programs)
  if (packages.length === 0) return
  if (process.getuid?.() !== 0)
    throw new Error(`needs root to install ${packages.join(' ')}; install them and try again`)
  await update()
  await run(['apt-get', 'install', '-y', '--no-install-recommends', ...packages], {
    env: { ...process.env, ...APT_ENV },
  })
}

// A list that cannot be reached (some third party's) must not stop us: the install tells if a package is missing.
async function update(): Promise<void> {
  if (!updated) await succeeds(['apt-get', 'update'], { env: { ...process.env, ...APT_ENV } })
  updated = true
}

/** Unpacks Debian packages into a tree without installing them, with no dependencies but those named. */
export async function unpackPackages(packages: readonly string[], dir: string, tree: string): Promise<void> {
  await update()
  await run(['apt-get', 'download', '-o', 'APT::Sandbox::User=root', ...packages], { cwd: dir })
  const { stdout } = await run(['bash', '-c', 'ls *.deb'], { cwd: dir })
  for (const archive of stdout.trim().split('\n')) await run(['dpkg-deb', '-x', join(dir, archive), tree])
}

/**
 * Unpacks packages of another architecture than this machine's: apt keeps its lists in `dir`, so that nothing of this
 * machine's own changes.
 */
export async function unpackForeignPackages(
  arch: string,
  packages: readonly string[],
  dir: string,
  tree: string,
): Promise<void> {
  const apt = join(dir, 'apt')
  await mkdir(join(apt, 'lists', 'partial'), { recursive: true })
  const settings = {
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
    'APT::Architecture': arch,
    'APT::Architectures': arch,
    'APT::Sandbox::User': 'root',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await run(['apt-get', 'update', ...options], { env: { ...process.env, ...APT_ENV } })
  await run(['apt-get', 'download', ...options, ...packages], { cwd: dir })
  for (const archive of (await readdir(dir)).filter(file => file.endsWith('.deb')))
    await run(['dpkg-deb', '-x', join(dir, archive), tree])
}

const ONLY_NEEDED = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(
  kind => `--no-${kind}`,
)

/** These packages with the libraries they need, and those need; programs that they call have to be named. */
export async function withLibraries(packages: readonly string[], except: readonly string[] = []): Promise<string[]> {
  await update()
  const found = new Set(packages)
  let fresh = [...packages]
  while (fresh.length > 0) {
    const { stdout } = await run(['apt-cache', 'depends', ...ONLY_NEEDED, ...fresh])
    const needed = [...stdout.matchAll(/^ [ |](?:Pre)?Depends: ((?:lib|zlib)[^\s:]+)$/gm)].map(([, name = '']) => name)
    fresh = [...new Set(needed)].filter(name => !found.has(name) && !except.includes(name) && !name.endsWith('-perl'))
    for (const name of fresh) found.add(name)
  }
  return [...found].sort()
}
