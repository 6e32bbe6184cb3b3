import { chmod, mkdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** A unix datagram socket that is read from. Node itself has none (docs/decisions). */
export interface DatagramSource {
  /**
   * Also takes the socket's file away: a sender then gets an error and goes on, where a full queue would hold it for
   * ever.
   */
  close(): Promise<void>
}

export type OpenDatagramSource = (path: string, onDatagram: (bytes: Uint8Array) => void) => Promise<DatagramSource>

/** The part of node-unix-socket that is used. */
interface DgramSocket {
  bind(path: string): void
  close(): void
  on(event: 'data', listener: (bytes: Buffer) => void): void
  on(event: 'error', listener: (error: Error) => void): void
}

/**
 * Binds a socket that any user can send to, and its directory if there is none. Rejects when it cannot; the add-on is
 * native and loaded here, so that a program without it still runs up to this point.
 */
export const openDatagramSource: OpenDatagramSource = async (path, onDatagram) => {
  const { DgramSocket } = createRequire(import.meta.url)('node-unix-socket') as { DgramSocket: new () => DgramSocket }
  await mkdir(dirname(path), { recursive: true })
  // Others need to pass, not to write: who sends must not take the socket away. A directory that the kubelet has made
  // for its subPath, where that came first, is not ours to change and open to all.
  await chmod(dirname(path), 0o755).catch(() => undefined)
  await rm(path, { force: true })
  const socket = new DgramSocket()
  socket.on('data', onDatagram)
  // Receiving has no errors that concern one sender; without a listener this would end the process.
  socket.on('error', () => undefined)
  socket.bind(path)
  await chmod(path, 0o777)
  return {
    async close() {
      await rm(path, { force: true })
      socket.close()
    },
  }
}
