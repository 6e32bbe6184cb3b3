import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sidecarGateCommand, sidecarGateProbeCommand } from './sidecar-gate-script.ts'

/* Both programs in a real busybox, with the agent's part of the protocol played by the test. */

const BUSYBOX = process.env.STARTGATE_TEST_BUSYBOX ?? '/bin/busybox'
const GATE = 'startgate-start-db'

function madePod() {
  const directory = mkdtempSync(join(tmpdir(), 'sidecar-gate-'))
  const paths = {
    busybox: BUSYBOX,
    fifos: join(directory, 'fifo'),
    attempt: join(directory, 'runs'),
    terminationLog: join(directory, 'termination-log'),
  }
  const fifo = join(paths.fifos, GATE)
  mkdirSync(paths.fifos)
  const programs: ChildProcess[] = []
  onTestFinished(() => {
    for (const program of programs) program.kill('SIGKILL')
    rmSync(directory, { recursive: true })
  })
  const started = ([program = '', ...args]: string[]) => {
    const child = spawn(program, args, { stdio: 'ignore' })
    programs.push(child)
    return child
  }
  return {
    startRun: (run: number) => writeFileSync(paths.attempt, `${run}\n`),
    startAgent: () => void execFileSync(BUSYBOX, ['mkfifo', fifo]),
    gate: () => started(sidecarGateCommand(GATE, paths)),
    probe: (seconds?: number) => started(sidecarGateProbeCommand(GATE, paths, seconds)),
    /** A probe whose time is over, as it has said, and that ends at a line of its input. */
    slowProbe: async () => {
      const script = 'last() { echo here >&4; echo again >&4; echo said; read -r _; }; last 4>"$0"'
      const child = spawn(BUSYBOX, ['sh', '-c', script, fifo], { stdio: ['pipe', 'pipe', 'ignore'] })
      programs.push(child)
      await once(child.stdout, 'data')
      return child
    },
    /** As openGate does, without waiting for a reader. */
    say: (line: string) => void execFileSync(BUSYBOX, ['sh', '-c', 'echo "$1" 1<>"$0"', fifo, line]),
    is: async (mark: string) => vi.waitFor(() => expect(existsSync(`${fifo}.${mark}`)).toBe(true), WAIT),
    isPassed: (run: number) => existsSync(`${fifo}.passed-${run}`),
    message: () => readFileSync(paths.terminationLog, 'utf8'),
    forgetMessage: () => rmSync(paths.terminationLog),
    /** Its word is the last thing that a gate leaves before it stays. */
    hasLeftMessage: async () => vi.waitFor(() => expect(existsSync(paths.terminationLog)).toBe(true), WAIT),
    /** The probe has come so far that the gate hears its end. */
    isHeld: async ({ pid }: ChildProcess) => vi.waitFor(() => expect(readlink(`/proc/${pid}/fd/4`)).toBe(fifo), WAIT),
  }
}

const WAIT = { timeout: 20_000, interval: 10 }
const readlink = (path: string): string => {
  try {
    return execFileSync(BUSYBOX, ['readlink', path], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}
const ended = async (child: ChildProcess): Promise<unknown> =>
  child.exitCode ?? child.signalCode ?? (await once(child, 'exit'))[0]

const GRANTED = '{"verdict":"granted","attempt":1}'
const FAILED_OPEN = '{"verdict":"failed-open","attempt":1,"waitedMs":5}'

test('the probe succeeds when the gate has heard the word, and the gate stays, with the verdict as its message', async () => {
  const pod = madePod()
  pod.startRun(1)
  pod.startAgent()
  const [gate, probe] = [pod.gate(), pod.probe()]
  await pod.is('here-1')
  await pod.isHeld(probe)
  expect(pod.isPassed(1)).toBe(false)
  pod.say(`go ${GRANTED}`)
  expect(await ended(probe)).toBe(0)
  await vi.waitFor(() => expect(pod.message()).toBe(GRANTED), WAIT)
  pod.say(`go ${GRANTED}`)
  expect(await ended(pod.probe())).toBe(0)
  expect(gate.exitCode).toBeNull()
  gate.kill('SIGTERM')
  expect(await ended(gate)).toBe(0)
})

test('the word may come before the first probe, and both before the agent', async () => {
  const pod = madePod()
  pod.startRun(1)
  const [, probe] = [pod.gate(), pod.probe()]
  pod.startAgent()
  await pod.is('here-1')
  pod.say(`go ${GRANTED}`)
  expect(await ended(probe)).toBe(0)
  const other = madePod()
  other.startRun(1)
  other.startAgent()
  other.gate()
  // Said again, as the agent does: nobody may listen at first.
  await other.is('here-1')
  await vi.waitFor(() => {
    other.say(`go ${GRANTED}`)
    expect(other.isPassed(1)).toBe(true)
  }, WAIT)
  expect(await ended(other.probe())).toBe(0)
})

test('a gate that waits ends with 143 on SIGTERM, with a probe and without', async () => {
  const pod = madePod()
  pod.startRun(1)
  pod.startAgent()
  const alone = pod.gate()
  await pod.is('here-1')
  alone.kill('SIGTERM')
  expect(await ended(alone)).toBe(143)
  const gate = pod.gate()
  await pod.isHeld(pod.probe())
  gate.kill('SIGTERM')
  expect(await ended(gate)).toBe(143)
  expect(pod.isPassed(1)).toBe(false)
})

test('a gate whose probe is killed starts over, and has not passed; the next one waits as before', async () => {
  const pod = madePod()
  pod.startRun(1)
  pod.startAgent()
  const [gate, probe] = [pod.gate(), pod.probe()]
  await pod.isHeld(probe)
  probe.kill('SIGKILL')
  expect(await ended(gate)).toBe(75)
  expect(pod.isPassed(1)).toBe(false)
  const [, second] = [pod.gate(), pod.probe()]
  await pod.isHeld(second)
  pod.say(`go ${GRANTED}`)
  expect(await ended(second)).toBe(0)
})

test('a probe that has waited for its time fails, and the gate holds on for the next one', async () => {
  const pod = madePod()
  pod.startRun(1)
  pod.startAgent()
  const gate = pod.gate()
  expect(await ended(pod.probe(1))).toBe(1)
  const second = pod.probe()
  await pod.isHeld(second)
  expect([gate.exitCode, pod.isPassed(1)]).toEqual([null, false])
  pod.say(`go ${GRANTED}`)
  expect(await ended(second)).toBe(0)
})

test.each(['before the next one', 'after the next one has come'])(
  'a probe whose time is over may end late, %s: the gate holds on',
  async when => {
    const pod = madePod()
    pod.startRun(1)
    pod.startAgent()
    const gate = pod.gate()
    const slow = await pod.slowProbe()
    const end = async () => {
      slow.stdin.end('go on\n')
      await ended(slow)
    }
    if (when.startsWith('before')) await end()
    const next = pod.probe()
    await pod.isHeld(next)
    if (when.startsWith('after')) await end()
    expect([gate.exitCode, pod.isPassed(1)]).toEqual([null, false])
    next.kill('SIGKILL')
    await vi.waitFor(() => expect(gate.exitCode).toBe(75), WAIT)
  },
)

test('a gate with two probes starts over: one is left from a runtime that died, and would hide the end of the other', async () => {
  const pod = madePod()
  pod.startRun(1)
  pod.startAgent()
  const [gate, first] = [pod.gate(), pod.probe()]
  await pod.isHeld(first)
  pod.probe()
  await vi.waitFor(() => expect(gate.exitCode).toBe(75), WAIT)
  expect(pod.isPassed(1)).toBe(false)
})

test('a gate that is killed after it has passed has passed when it comes back, and asks nobody; in a new run it waits', async () => {
  const pod = madePod()
  pod.startRun(1)
  pod.startAgent()
  const [gate, probe] = [pod.gate(), pod.probe()]
  await pod.isHeld(probe)
  pod.say(`go ${GRANTED}`)
  await ended(probe)
  await pod.hasLeftMessage()
  gate.kill('SIGKILL')
  await ended(gate)
  pod.forgetMessage()
  const again = pod.gate()
  expect(await ended(pod.probe())).toBe(0)
  await pod.hasLeftMessage()
  again.kill('SIGTERM')
  expect(await ended(again)).toBe(0)
  pod.startRun(2)
  const [, second] = [pod.gate(), pod.probe()]
  await pod.is('here-2')
  await pod.isHeld(second)
  expect(second.exitCode).toBeNull()
  pod.say(`go ${GRANTED}`)
  expect(await ended(second)).toBe(0)
})

test('a gate that fails open lets its probe succeed, ends with its word as its message, and has passed when it is back', async () => {
  const pod = madePod()
  pod.startRun(1)
  pod.startAgent()
  const [gate, probe] = [pod.gate(), pod.probe()]
  await pod.isHeld(probe)
  pod.say(`go ${FAILED_OPEN}`)
  expect(await ended(probe)).toBe(0)
  expect(await ended(gate)).toBe(0)
  expect(pod.message()).toBe(FAILED_OPEN)
  const back = pod.gate()
  expect(await ended(pod.probe())).toBe(0)
  expect(back.exitCode).toBeNull()
})

test('a gate and its probe are less than 3 KiB, and need few applets', () => {
  const scripts = [sidecarGateCommand(GATE)[3] ?? '', sidecarGateProbeCommand(GATE)[3] ?? '']
  expect(scripts.join('').length).toBeLessThan(3_072)
  const applets = scripts.flatMap(script => [...script.matchAll(/\$bb (\w+)/g)].map(([, applet]) => applet))
  expect([...new Set(applets)].sort()).toEqual(['mkfifo', 'sleep', 'touch'])
})
