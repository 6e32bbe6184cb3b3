import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { madeToken } from '../../gate/lease-service/testing/made-token.ts'

/**
 * Runs in a pod (bundled, see abusers.ts): does what anyone can do who reaches startgate's Services, without
 * credentials, again and again until it is ended, and writes a line of JSON each time.
 */
const { ATTACK = '', HOST = '', PORT = '443', POD_NAME = '', POD_NAMESPACE = '', POD_UID = '' } = process.env

interface Outcome {
  sent: number
  /** HTTP statuses heard, and how often. */
  statuses: Record<string, number>
  /** The other side has closed the connection. */
  closed: boolean
}

/** Writes all of it to one connection, and tells what became of it once it is closed, or after `forMs`. */
async function say(chunks: Iterable<string | Buffer>, forMs: number): Promise<Outcome> {
  const outcome: Outcome = { sent: 0, statuses: {}, closed: false }
  const socket = tls.connect({ host: HOST, port: Number(PORT), rejectUnauthorized: false })
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  socket.on('error', () => undefined)
  socket.on('data', chunk => {
    for (const [, status = ''] of String(chunk).matchAll(/HTTP\/1\.1 (\d+)/g))
      outcome.statuses[status] = (outcome.statuses[status] ?? 0) + 1
  })
  for (const chunk of chunks) {
    if (socket.destroyed) break
    outcome.sent++
    if (!socket.write(chunk)) await Promise.race([new Promise(resolve => socket.once('drain', resolve)), closed])
  }
  await Promise.race([closed, sleep(forMs)])
  outcome.closed = socket.destroyed
  socket.destroy()
  return outcome
}

/** A review of 9.5 MiB that lacks its last byte. */
function unfinishedReview(): string[] {
  const bytes = 9.5 * 1024 * 1024
  const head = `POST /mutate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${bytes + 1}\r\n\r\n`
  return [head, ...Array<string>(9.5 * 16).fill('x'.repeat(65_536))]
}

/** Each with the claims of this very pod, so that only a review can tell. */
function* madeUpTokens(count: number): Generator<string> {
  const body = JSON.stringify({ podUid: POD_UID, attempt: 1, nonce: 'nonce-0001' })
  for (let i = 0; i < count; i++) {
    const signature = `made-up-${randomUUID()}-${i}`
    const token = madeToken({ namespace: POD_NAMESPACE, podName: POD_NAME, podUid: POD_UID, signature })
    const headers = `authorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
    yield `POST /v1/gates/startgate-start HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${body}`
  }
}

const attacks: Record<string, () => Promise<Outcome[]>> = {
  bodies: () => Promise.all(Array.from({ length: 30 }, () => say(unfinishedReview(), 60_000))),
  metrics: async () => [await say(['GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(40)], 10_000)],
  tokens: async () => [await say(madeUpTokens(100_000), 10_000)],
}

for (;;) {
  const outcomes = (await attacks[ATTACK]?.()) ?? []
  console.log(JSON.stringify({ attack: ATTACK, outcomes }))
  await sleep(100)
}
