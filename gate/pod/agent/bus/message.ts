/**
 * The little of the D-Bus wire format that a method call with up to one string and its answer need.
 * Source: D-Bus specification, "Message Format"; little endian.
 */
const LITTLE = 0x6c
const VERSION = 1
const CALL = 1
const FIELD = { path: 1, interface: 2, member: 3, replySerial: 5, destination: 6, signature: 8 }
/** D-Bus specification: the longest message there may be. */
const MAX_MESSAGE = 2 ** 27

const pad = (length: number, to: number): Buffer => Buffer.alloc((to - (length % to)) % to)
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
const string = (value: string): Buffer =>
  Buffer.concat([uint32(Buffer.byteLength(value)), Buffer.from(value), Buffer.from([0])])
const signature = (value: string): Buffer => Buffer.from([value.length, ...Buffer.from(value), 0])

/** A call of `member` of the bus itself, with one string as its argument or none. */
export function busCall(serial: number, member: string, argument?: string): Buffer {
  const body = argument === undefined ? Buffer.alloc(0) : string(argument)
  const fields = [
    field(FIELD.path, 'o', string('/org/freedesktop/DBus')),
    field(FIELD.interface, 's', string('org.freedesktop.DBus')),
    field(FIELD.member, 's', string(member)),
    field(FIELD.destination, 's', string('org.freedesktop.DBus')),
    ...(argument === undefined ? [] : [field(FIELD.signature, 'g', signature('s'))]),
  ]
  let header = Buffer.alloc(0)
  for (const bytes of fields) header = Buffer.concat([header, pad(header.length, 8), bytes])
  const head = Buffer.concat([
    Buffer.from([LITTLE, CALL, 0, VERSION]),
    uint32(body.length),
    uint32(serial),
    uint32(header.length),
    header,
  ])
  return Buffer.concat([head, pad(head.length, 8), body])
}

function field(code: number, type: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([code]), signature(type), value])
}

export interface BusMessage {
  /** 2 is the return of a call, 3 an error, 4 a signal. */
  type: number
  replySerial?: number
  body: Buffer
}

/**
 * Takes the first whole message off `bytes`; undefined while it is not whole. Throws RangeError on what is no message.
 */
export function takeMessage(bytes: Buffer): { message: BusMessage; rest: Buffer } | undefined {
  if (bytes.length < 16) return undefined
  if (bytes[0] !== LITTLE || bytes[3] !== VERSION) throw new RangeError('no little-endian D-Bus message of version 1')
  const bodyLength = bytes.readUInt32LE(4)
  const fieldsLength = bytes.readUInt32LE(12)
  const bodyAt = Math.ceil((16 + fieldsLength) / 8) * 8
  if (bodyAt + bodyLength > MAX_MESSAGE) throw new RangeError('a D-Bus message longer than there may be')
  if (bytes.length < bodyAt + bodyLength) return undefined
  const replySerial = replySerialIn(bytes.subarray(0, 16 + fieldsLength))
  const body = bytes.subarray(bodyAt, bodyAt + bodyLength)
  const message = { type: bytes[1] ?? 0, ...(replySerial !== undefined && { replySerial }), body }
  return { message, rest: bytes.subarray(bodyAt + bodyLength) }
}

/** Header fields are (code, variant) pairs, each at a multiple of 8. */
function replySerialIn(head: Buffer): number | undefined {
  let at = 16
  while (at + 4 <= head.length) {
    const code = head[at]
    const type = String.fromCharCode(head[at + 2] ?? 0)
    const value = at + 4
    if (type === 'u' && code === FIELD.replySerial) return head.readUInt32LE(value)
    const end = type === 'u' ? value + 4 : type === 'g' ? value + (head[value] ?? 0) + 2 : stringEnd(head, value)
    at = Math.ceil(end / 8) * 8
  }
  return undefined
}

function stringEnd(head: Buffer, at: number): number {
  const aligned = Math.ceil(at / 4) * 4
  return aligned + 4 < head.length ? aligned + 4 + head.readUInt32LE(aligned) + 1 : head.length
}
