import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A way to the API server that a test can cut, slow down or let go silent; TLS goes through it untouched. */
export class ApiProxy {
  /** The cluster's kubeconfig, by way of this proxy. */
  readonly kubeconfig: string
  /** For how long each piece from the API server is held back. */
  delayMs = 0
  readonly #server: Server
  readonly #pairs = new Set<[Socket, Socket]>()
  #isCut = false

  private constructor(server: Server, kubeconfig: string, target: URL) {
    this.#server = server
    this.kubeconfig = kubeconfig
    server.on('connection', client => this.#join(client, connect(Number(target.port), target.hostname)))
  }

  static async start(kubeconfig: string): Promise<ApiProxy> {
    const text = await readFile(kubeconfig, 'utf8')
    const target = /server: (https:\/\/\S+)/.exec(text)?.[1]
    if (!target) throw new Error(`no server in ${kubeconfig}`)
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const file = join(await mkdtemp(join(tmpdir(), 'startgate-e2e-')), 'kubeconfig')
    await writeFile(file, text.replace(target, `https://127.0.0.1:${port}`))
    return new ApiProxy(server, file, new URL(target))
  }

  /** Breaks every connection, and refuses new ones until `mend`. */
  cut(): void {
    this.#isCut = true
    this.breakAll()
  }

  mend(): void {
    this.#isCut = false
  }

  breakAll(): void {
    for (const [client, server] of this.#pairs) {
      client.destroy()
      server.destroy()
    }
  }

  /** Nothing passes any more on the connections of now, which stay open; new ones work. */
  silenceAll(): void {
    for (const [client, server] of this.#pairs) {
      client.pause().removeAllListeners('data')
      server.pause().removeAllListeners('data')
    }
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await rm(join(this.kubeconfig, '..'), { recursive: true })
  }

  #join(client: Socket, server: Socket): void {
    const pair: [Socket, Socket] = [client, server]
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of pair) socket.on('error', end).on('close', end)
    if (this.#isCut) {
      end()
      return
    }
    client.on('data', piece => server.write(piece))
    server.on('data', piece => setTimeout(() => client.destroyed || client.write(piece), this.delayMs))
  }
}
