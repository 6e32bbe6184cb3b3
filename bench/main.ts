import { benchAdmission } from './admission.ts'
import { benchQueue } from './queue.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const ms = (value: number): string => `${value.toFixed(2)} ms`

const { bytes, startgate, yesServer } = await benchAdmission()
say(`admission over TLS, review of ${bytes} bytes, 4 connections, client in the same process`)
say(`  startgate            p50 ${ms(startgate.p50)}   p99 ${ms(startgate.p99)}`)
say(`  a server that says yes p50 ${ms(yesServer.p50)}   p99 ${ms(yesServer.p99)}`)
say(
  `  ratio                p50 ${(startgate.p50 / yesServer.p50).toFixed(2)}      p99 ${(startgate.p99 / yesServer.p99).toFixed(2)}`,
)

const rows = benchQueue()
say('one decision on n waiting tickets')
for (const { n, ms: time } of rows)
  say(`  n ${String(n).padStart(6)}   ${ms(time)}   ${((time / n) * 1e6).toFixed(0)} ns a ticket`)
