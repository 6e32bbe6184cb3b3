import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:https'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { limitConnecting } from './connect-limit.ts'

/**
 * Listens, takes no connection ever, and its kernel keeps two: whoever comes then hears nothing, as from an address
 * that is gone.
 */
const DEAF = `
require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
  process.stdout.write(String(this.address().port), () =>
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
})`

test('an address where nobody answers is given up, and the error says so', async () => {
  const deaf = spawn(process.execPath, ['-e', DEAF], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void deaf.kill('SIGKILL'))
  const [port] = await once(deaf.stdout, 'data')
  for (let i = 0; i < 2; i++) {
    const kept = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void kept.destroy())
    await once(kept, 'connect')
  }
  const address = `127.0.0.1:${port}`
  const call = request(`https://${address}/`)
  limitConnecting(call, address)
  const [error] = await once(call, 'error')
  expect(error.message).toBe(`no connection to ${address} within 4 s`)
}, 30_000)
