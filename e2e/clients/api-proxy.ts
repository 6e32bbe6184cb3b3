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
  readonly #target: URL
  readonly #pairs = new Set<[Socket, Socket]>()
  #held: Socket[] | undefined

  private constructor(server: Server, kubeconfig: string, target: URL) {
    this.#server = server
    this.kubeconfig = kubeconfig
    this.#target = target
    server.on('connection', client => {
      client.on('error', () => client.destroy())
      if (this.#held) this.#held.push(client)
      else this.#join(client)
    })
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

  /** Breaks every connection, and leaves new ones without an answer until `release`. */
  hold(): void {
    this.#held = []
    this.breakAll()
  }

  release(): void {
    for (const client of this.#held ?? []) if (!client.destroyed) this.#join(client)
    this.#held = undefined
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
    this.#server.close()
    this.breakAll()
    for (const client of this.#held ?? []) client.destroy()
    await rm(join(this.kubeconfig, '..'), { recursive: true })
  }

  #join(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname)
    const pair: [Socket, Socket] = [client, server]
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      client.destroySoon()
      server.destroy()
    }
    client.on('error', end).on('close', end)
    // After the last piece that the API server said, which may be why it ended.
    for (const over of ['error', 'close']) server.on(over, () => setTimeout(end, this.delayMs))
    client.on('data', piece => server.write(piece))
    server.on('data', piece => setTimeout(() => client.destroyed || client.write(piece), this.delayMs))
  }
}
