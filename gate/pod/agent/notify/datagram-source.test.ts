import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatagramSource } from './datagram-source.ts'

interface Sender {
  sendTo(bytes: Buffer, offset: number, length: number, path: string): void
  close(): void
}
const { DgramSocket } = createRequire(import.meta.url)('node-unix-socket') as { DgramSocket: new () => Sender }

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'notify-'))
})
afterAll(() => rm(directory, { recursive: true }))

test('what is sent arrives, in its own datagrams, on a socket that anybody may send to', async () => {
  const path = join(directory, 'db', 'notify.sock')
  const got: string[] = []
  let all = (): void => undefined
  const arrived = new Promise<void>(resolve => {
    all = resolve
  })
  const source = await openDatagramSource(path, bytes => {
    got.push(Buffer.from(bytes).toString())
    if (got.length === 2) all()
  })
  expect((await stat(path)).mode & 0o777).toBe(0o777)
  const sender = new DgramSocket()
  for (const text of ['STATUS=a', 'READY=1']) sender.sendTo(Buffer.from(text), 0, text.length, path)
  await arrived
  expect(got).toEqual(['STATUS=a', 'READY=1'])
  sender.close()
  await source.close()
  await expect(stat(path)).rejects.toThrow('ENOENT')
})

test('what an agent that crashed left behind is in nobody’s way', async () => {
  const path = join(directory, 'left.sock')
  await writeFile(path, '')
  const source = await openDatagramSource(path, () => undefined)
  expect((await stat(path)).isSocket()).toBe(true)
  await source.close()
})
