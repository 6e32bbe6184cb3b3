import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { GATE_SCRIPT_PATHS, gateScript } from '../../../core/gate-script.ts'
import { GATE_ENV } from '../../../core/names.ts'

/** The machine's, if it has one: Debian's busybox-static. */
const BUSYBOX = process.env.STARTGATE_TEST_BUSYBOX ?? '/bin/busybox'

export interface RealGate {
  dir: string
  /** Of the process: a code, or a signal's name. */
  ended: Promise<number | string>
  /** Each line of its log. */
  log(): Record<string, unknown>[]
  said(): string
  /** Of its shared directory; undefined where it is not there. */
  read(file: string): string | undefined
  kill(signal?: NodeJS.Signals): void
  pid: number
}

export interface GateOptions {
  podUid: string
  token: string
  /** Of the waiter. */
  port: number
  /** Of an earlier run. */
  dir?: string
  env?: Record<string, string>
  /** Of the container, as cgroup v2 has it. */
  memory?: string
  /** Of the test's context, where tests run side by side. */
  onFinished?: OnFinished
}

type OnFinished = (act: () => void) => void

/** For tests: a directory like a pod's shared emptyDir. */
export function madeDirectory(onFinished: OnFinished = onTestFinished): string {
  const dir = mkdtempSync(join(tmpdir(), 'startgate-gate-'))
  onFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** For tests: the real gate in a real busybox. Its direct gate is a file of that name that appears. */
export function startGate({
  podUid,
  token,
  port,
  onFinished = onTestFinished,
  dir = madeDirectory(onFinished),
  env = {},
  memory = 'max',
}: GateOptions): RealGate {
  writeFileSync(join(dir, 'token'), token)
  writeFileSync(join(dir, 'memory.max'), `${memory}\n`)
  const script = gateScript({
    ...GATE_SCRIPT_PATHS,
    busybox: BUSYBOX,
    shared: dir,
    runs: join(dir, 'runs'),
    lost: join(dir, 'lost'),
    noWaiter: join(dir, 'no-waiter'),
    trueProgram: join(dir, 'true'),
    token: join(dir, 'token'),
    terminationLog: join(dir, 'termination-log'),
    cgroup: dir,
    direct: `${BUSYBOX} touch ${join(dir, 'direct')}`,
  })
  writeFileSync(join(dir, 'gate.sh'), script)
  const child = spawn(BUSYBOX, ['sh', join(dir, 'gate.sh')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      [GATE_ENV.gate]: 'startgate-start',
      [GATE_ENV.podUid]: podUid,
      [GATE_ENV.failOpenAfter]: '60s',
      [GATE_ENV.failOpenJitter]: '0s',
      [GATE_ENV.hostIp]: '127.0.0.1',
      [GATE_ENV.waiterPort]: String(port),
      ...env,
    },
  })
  let said = ''
  child.stdout.on('data', chunk => {
    said += String(chunk)
  })
  child.stderr.on('data', chunk => {
    said += `stderr: ${chunk}`
  })
  onFinished(() => void child.kill('SIGKILL'))
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(join(dir, file), 'utf8')
    } catch {
      return undefined
    }
  }
  return {
    dir,
    pid: child.pid ?? 0,
    ended: once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string),
    said: () => said,
    log: () =>
      said
        .trim()
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as Record<string, unknown>),
    read,
    kill: (signal = 'SIGTERM') => void child.kill(signal),
  }
}
