import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { BUNDLES } from '../../build.ts'
import { madeIdentity } from '../../certs/testing/made-identity.ts'
import { goodConfig } from '../../core/testing/good-config.ts'
import { madePod } from '../lease-service/testing/made-pods.ts'
import { madeToken } from '../lease-service/testing/made-token.ts'
import { madeApiServer } from './testing/made-api-server.ts'
import { waiterToken } from './testing/made-review.ts'
import { madeDirectory, startGate } from './testing/real-gate.ts'
import { realReplica } from './testing/real-replica.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/** Private memory of a process, which is its own alone; MiB. */
function ownMemoryMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kib = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return (kib('Private_Clean') + kib('Private_Dirty')) / 1_024
}

/** As it is in the image: what strips types from TypeScript would be half of its memory. */
async function bundled(dir: string): Promise<string> {
  await build({
    ...BUNDLES,
    entryPoints: [{ out: 'node-waiter', in: join(import.meta.dirname, 'main.ts') }],
    outdir: dir,
  })
  return join(dir, 'node-waiter.mjs')
}

test('the program itself: reads its CA from the API server, serves a hundred gates in little memory, ends at once', async () => {
  const identity = await madeIdentity('localhost')
  const names = Array.from({ length: 101 }, (_, index) => `p${index}`)
  const replica = await realReplica(
    names.map(name => madePod(name)),
    identity,
  )
  await replica.service.startLeading(1)
  const dir = madeDirectory()
  const api = await madeApiServer(identity, 'account-token', identity.caBundlePem)
  const port = await freePort()
  const config = goodConfig()
  const leaseService = {
    ...(config.leaseService as object),
    serverName: 'localhost',
    port: Number(replica.address.split(':')[1]),
  }
  const nodeWaiter = { name: 'startgate-node-waiter', port }
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...config, leaseService, nodeWaiter }))
  writeFileSync(join(dir, 'token'), 'account-token')
  writeFileSync(join(dir, 'ca.crt'), identity.caBundlePem)
  writeFileSync(join(dir, 'own-token'), waiterToken('worker-1'))
  const child = spawn(process.execPath, ['--max-semi-space-size=1', await bundled(dir)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      KUBERNETES_SERVICE_HOST: 'localhost',
      KUBERNETES_SERVICE_PORT: String(api.port),
      NODE_NAME: 'worker-1',
      STARTGATE_CONFIG: join(dir, 'config.json'),
      STARTGATE_ACCOUNT: dir,
      STARTGATE_WAITER_TOKEN: join(dir, 'own-token'),
    },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const beforeMiB = ownMemoryMiB(child.pid ?? 0)
  const gateOf = (name: string) =>
    startGate({ podUid: name, token: madeToken({ podName: name, podUid: name, nodeName: 'worker-1' }), port })
  expect(await gateOf('p0').ended).toBe(0)
  const gates = names.slice(1).map(gateOf)
  await expect.poll(() => replica.service.view.streamCount(), { timeout: 60_000, interval: 200 }).toBe(100)
  expect(replica.links.size).toBe(1)
  expect(api.asked.filter(call => call.startsWith('GET'))).toHaveLength(1)
  const ownMiB = ownMemoryMiB(child.pid ?? 0)
  process.stdout.write(
    `own memory of the waiter: ${beforeMiB.toFixed(1)} MiB at first, ${ownMiB.toFixed(1)} MiB with 100 gates; of a gate: ${ownMemoryMiB(gates[0]?.pid ?? 0).toFixed(2)} MiB, twice\n`,
  )
  expect(ownMiB).toBeLessThan(40)
  const begun = performance.now()
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(performance.now() - begun).toBeLessThan(1_000)
  await expect.poll(() => replica.service.view.streamCount()).toBe(0)
}, 120_000)
