import { get } from 'node:https'
import type { Tls } from './certificate.ts'

/** What the bench tells those who watch, as JSON in the first argument. */
export interface ViewerOptions {
  port: number
  ca: Tls['ca']
  serverName: string
  viewers: number
}

/** What they have read, since they were asked last. */
export interface Read {
  bytes: number
  /** Of the first of them. */
  events: number
}

/** Watches the state API with so many viewers, and says on demand what they have read. */
function main({ port, ca, serverName: servername, viewers }: ViewerOptions): void {
  let read: Read = { bytes: 0, events: 0 }
  for (let i = 0; i < viewers; i++)
    get(
      {
        ...{ host: '127.0.0.1', port, ca, servername, agent: false, path: '/v1/state?watch' },
        headers: { authorization: 'Bearer any' },
      },
      answer => {
        if (answer.statusCode !== 200) throw new Error(`viewer ${i} got ${answer.statusCode}`)
        answer.on('data', (chunk: Buffer) => {
          read.bytes += chunk.length
          if (i === 0) read.events += chunk.includes('event: ') ? 1 : 0
        })
      },
    )
  process.on('message', () => {
    process.send?.(read)
    read = { bytes: 0, events: 0 }
  })
}

main(JSON.parse(process.argv[2] ?? '{}') as ViewerOptions)
