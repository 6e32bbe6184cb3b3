import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Source: RFC 6455, 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * For tests: the API server's end of a port-forward (v4.channel.k8s.io), which joins the WebSocket to a TCP connection.
 * Channel 0 is data, 1 errors; each begins with the port in two bytes. Source: kubelet, portforward/websocket.go.
 */
export function forwardOver(
  request: IncomingMessage,
  socket: Duplex,
  { port, target }: { port: number; target: Socket },
): void {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
  const protocol = String(request.headers['sec-websocket-protocol']).split(',')[0]?.trim()
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
  )
  const portBytes = Buffer.from([port & 0xff, port >> 8])
  socket.write(frame(Buffer.concat([Buffer.from([0]), portBytes])))
  socket.write(frame(Buffer.concat([Buffer.from([1]), portBytes])))
  target.on('data', data => socket.write(frame(Buffer.concat([Buffer.from([0]), data]))))
  target.on('close', () => socket.destroy())
  target.on('error', error => socket.write(frame(Buffer.concat([Buffer.from([1]), Buffer.from(error.message)]))))
  socket.on('close', () => target.destroy())
  socket.on('error', () => target.destroy())
  let rest = Buffer.alloc(0)
  socket.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data])
    for (let message = unframed(rest); message; message = unframed(rest)) {
      rest = rest.subarray(message.length)
      if (message.payload[0] === 0) target.write(message.payload.subarray(1))
    }
  })
}

/** One binary frame of a server, which masks nothing. */
function frame(payload: Buffer): Buffer {
  const header = Buffer.from(payload.length < 126 ? [0x82, payload.length] : [0x82, 126, 0, 0])
  if (payload.length > 0xffff)
    return Buffer.concat([
      frame(payload.subarray(0, 0xffff)),
      frame(Buffer.concat([Buffer.from([0]), payload.subarray(0xffff)])),
    ])
  if (payload.length >= 126) header.writeUInt16BE(payload.length, 2)
  return Buffer.concat([header, payload])
}

/** The first frame of a client, if it is whole. */
function unframed(data: Buffer): { payload: Buffer; length: number } | undefined {
  if (data.length < 6) return undefined
  const short = (data[1] ?? 0) & 0x7f
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0
  if (data.length < 6 + extra) return undefined
  const size = extra === 2 ? data.readUInt16BE(2) : extra === 8 ? Number(data.readBigUInt64BE(2)) : short
  const start = 6 + extra
  if (data.length < start + size) return undefined
  const mask = data.subarray(start - 4, start)
  const payload = Buffer.from(data.subarray(start, start + size).map((byte, index) => byte ^ (mask[index % 4] ?? 0)))
  return { payload, length: start + size }
}
