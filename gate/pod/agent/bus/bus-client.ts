import { connect, type Socket } from 'node:net'
import { messageOf } from '../../../../core/errors.ts'
import { busEndpoint } from './address.ts'
import { busCall, takeMessage } from './message.ts'

const RETURN = 2
const ANSWER_MS = 2_000

/** Asks one bus who owns a name. */
export interface BusClient {
  /** Not owned, with the reason in `fault`, when the bus cannot be reached or does not let us in. Never rejects. */
  nameHasOwner(name: string): Promise<{ isOwned: boolean; fault?: string }>
  close(): void
}

/** Connects when first asked, and again after a failure. `uid`: ours, for the EXTERNAL mechanism. */
export function createBusClient(address: string, uid: number): BusClient {
  const endpoint = busEndpoint(address)
  let line: Promise<BusLine> | undefined
  const drop = () => {
    line?.then(open => open.socket.destroy()).catch(() => undefined)
    line = undefined
  }
  return {
    async nameHasOwner(name) {
      if (!endpoint) return { isOwned: false, fault: `no bus address that is understood: ${address}` }
      try {
        line ??= openLine(connect(endpoint), uid)
        const body = await (await line).call('NameHasOwner', name)
        return { isOwned: body.length >= 4 && body.readUInt32LE(0) === 1 }
      } catch (error) {
        drop()
        return { isOwned: false, fault: messageOf(error) }
      }
    },
    close: drop,
  }
}

interface BusLine {
  socket: Socket
  call(member: string, argument?: string): Promise<Buffer>
}

/**
 * Authenticates and says Hello, without which a bus answers nothing. Source: D-Bus specification, "Authentication
 * Protocol".
 */
async function openLine(socket: Socket, uid: number): Promise<BusLine> {
  try {
    const reader = createReader(socket)
    socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`)
    const answer = await reader.next(bytes => {
      const end = bytes.indexOf('\r\n')
      return end < 0 ? undefined : { value: bytes.subarray(0, end).toString('latin1'), rest: bytes.subarray(end + 2) }
    })
    if (!answer.startsWith('OK ')) throw new Error(`the bus does not let uid ${uid} in: ${answer}`)
    socket.write('BEGIN\r\n')
    let serial = 0
    const line: BusLine = {
      socket,
      async call(member, argument) {
        const own = ++serial
        socket.write(busCall(own, member, argument))
        for (;;) {
          const message = await reader.next(bytes => {
            const taken = takeMessage(bytes)
            return taken && { value: taken.message, rest: taken.rest }
          })
          if (message.replySerial !== own) continue
          if (message.type !== RETURN) throw new Error(`the bus refuses ${member}`)
          return message.body
        }
      },
    }
    // dbus-daemon lets anyone authenticate, and then hangs up on a user whose groups it cannot look up.
    await line.call('Hello').catch((error: unknown) => {
      throw new Error(`the bus does not talk to uid ${uid}, which its passwd file must have: ${messageOf(error)}`)
    })
    return line
  } catch (error) {
    socket.destroy()
    throw error
  }
}

interface Reader {
  /** Waits until `take` finds a value in the bytes that have come. Rejects after ANSWER_MS, or when the socket ends. */
  next<T>(take: (bytes: Buffer) => { value: T; rest: Buffer } | undefined): Promise<T>
}

function createReader(socket: Socket): Reader {
  let bytes: Buffer = Buffer.alloc(0)
  let ended: Error | undefined
  let wake = (): void => undefined
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    wake()
  })
  const end = (error?: Error) => {
    ended ??= error ?? new Error('the bus has closed the connection')
    wake()
  }
  socket.on('error', end)
  socket.on('close', () => end())
  socket.setTimeout(ANSWER_MS, () => end(new Error('no answer from the bus')))
  return {
    async next(take) {
      for (;;) {
        const taken = take(bytes)
        if (taken) {
          bytes = taken.rest
          return taken.value
        }
        if (ended) throw ended
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
  }
}
