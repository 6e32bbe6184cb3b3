import { spawn } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownerMark, run, succeeds } from './command.ts'
import { raiseHostLimits, recordHostState, restoreHostState } from './host-state.ts'
import { unmountBelow } from './mounts.ts'
import { clusterPaths } from './paths.ts'
import { commandLine, daemonPids, endProcesses, isAlive } from './processes.ts'

/** Bit of CAP_SYS_RESOURCE in a capability set. */
const SYS_RESOURCE = 1n << 24n

/** Environment for a docker client of the local daemon; Debian's client, since a newer one may refuse its API. */
export function daemonEnv(): NodeJS.ProcessEnv {
  const { bin, socket } = clusterPaths()
  return {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}:/usr/sbin:/sbin`,
    DOCKER_HOST: `unix://${socket}`,
    DOCKER_BUILDKIT: '0',
  }
}

/** Pid of our running daemon: the pid file is believed only if that process is a dockerd on our data. */
function daemonPid(): number | undefined {
  const { run: runDir, docker } = clusterPaths()
  const file = join(runDir, 'docker.pid')
  if (!existsSync(file)) return undefined
  const pid = Number(readFileSync(file, 'utf8'))
  const line = commandLine(pid)
  return isAlive(pid) && line.includes('dockerd') && line.includes(docker) ? pid : undefined
}

/** Starts the local Docker daemon by hand unless it runs, and waits until it answers. */
export async function startDaemon(): Promise<void> {
  await recordHostState()
  await raiseHostLimits()
  const running = daemonPid()
  if (running !== undefined && (await answers())) return
  // One that hangs. Containers of a daemon that died are left to the new one, which knows how to end them.
  if (running !== undefined) await endProcesses([running], 20_000)
  const paths = clusterPaths()
  if (paths.socket.length > 100)
    throw new Error(`path too long for a socket: ${paths.socket}; set STARTGATE_CACHE to a shorter one`)
  await mkdir(paths.run, { recursive: true })
  await rm(join(paths.run, 'docker.pid'), { force: true })
  await writeFile(join(paths.run, 'daemon.json'), JSON.stringify(await daemonConfig(paths.run)))
  const args = ['--data-root', paths.docker, '--exec-root', join(paths.run, 'exec'), '-H', `unix://${paths.socket}`]
  args.push('--pidfile', join(paths.run, 'docker.pid'), '--config-file', join(paths.run, 'daemon.json'))
  const log = openSync(join(paths.run, 'dockerd.log'), 'w')
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...ownerMark('daemon') }
  const child = spawn('/usr/sbin/dockerd', args, { detached: true, stdio: ['ignore', log, log], env })
  child.unref()
  for (const deadlineMs = performance.now() + 30_000; performance.now() < deadlineMs; await sleep(100)) {
    if (await answers()) return
    if (child.exitCode !== null) break
  }
  const said = (await readFile(join(paths.run, 'dockerd.log'), 'utf8')).trim().split('\n').slice(-3).join(' | ')
  throw new Error(`the local Docker daemon does not start: ${said}`)
}

// No default bridge: clusters bring their own networks, and what is not made need not be removed.
async function daemonConfig(runDir: string): Promise<Record<string, unknown>> {
  const config = { bridge: 'none', 'storage-driver': 'overlay2' }
  const bounding = /^CapBnd:\s*(\w+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  if (BigInt(`0x${bounding}`) & SYS_RESOURCE) return config
  const wrapper = join(runDir, 'runc-no-resource-cap')
  await copyFile(join(import.meta.dirname, 'local', 'runc-no-resource-cap'), wrapper)
  await chmod(wrapper, 0o755)
  return { ...config, runtimes: { 'no-resource-cap': { path: wrapper } }, 'default-runtime': 'no-resource-cap' }
}

function answers(): Promise<boolean> {
  return succeeds(['/usr/bin/docker', 'version'], { env: daemonEnv(), timeoutMs: 5_000 })
}

/** Whether anything of a daemon is left: itself, a helper of it, or a trace of one that was killed. */
export function daemonTraces(): boolean {
  return existsSync(join(clusterPaths().run, 'docker.pid')) || daemonPids().length > 0
}

/** Stops the local daemon and removes what it leaves on the machine. Its images stay in the cache. */
export async function stopDaemon(): Promise<void> {
  const { run: runDir, docker } = clusterPaths()
  const pid = daemonPid()
  if (pid !== undefined) await endProcesses([pid], 20_000)
  // What a killed daemon leaves: its containerd and the shims, which hold the containers.
  await endProcesses(daemonPids(), 5_000)
  await unmountBelow([runDir, docker])
  await restoreHostState()
  for (const name of ['docker.pid', 'docker.sock', 'exec', 'daemon.json', 'runc-no-resource-cap']) {
    await rm(join(runDir, name), { recursive: true, force: true })
  }
}

/** Removes every container and network of the local daemon (it serves nothing but e2e clusters). */
export async function emptyDaemon(): Promise<void> {
  const env = daemonEnv()
  const { stdout } = await run(['/usr/bin/docker', 'ps', '-aq'], { env })
  const ids = stdout.split('\n').filter(Boolean)
  if (ids.length > 0) await run(['/usr/bin/docker', 'rm', '-fv', ...ids], { env })
  await run(['/usr/bin/docker', 'network', 'prune', '-f'], { env })
  await run(['/usr/bin/docker', 'volume', 'prune', '-f'], { env })
}
