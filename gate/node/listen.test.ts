import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { listenHost } from '../../core/listen-host.ts'
import { listenForGates } from './listen.ts'

const made = () => {
  const server = createServer()
  onTestFinished(() => void server.close())
  return server
}

test('on the address of the node alone', async () => {
  const server = made()
  expect(await listenForGates(server, 0, '127.0.0.1')).toBe('127.0.0.1')
  expect((server.address() as AddressInfo).address).toBe('127.0.0.1')
})

// 192.0.2.0/24 is for documentation (RFC 5737), so no interface has it.
test.each(['192.0.2.1', '', undefined])('on all addresses where the node has none such: %j', async hostIp => {
  expect(await listenForGates(made(), 0, hostIp)).toBe(listenHost())
})

test('a port that another program has is said with what to change', async () => {
  const other = made().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  await expect(listenForGates(made(), port, '127.0.0.1')).rejects.toThrow(
    `nodeWaiter.port: "${port}" is taken on this node by another program`,
  )
})
