import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Command } from 'commander'
import { instead, messageOf } from '../../core/errors.ts'
import { systemTimers } from '../../core/timers.ts'
import { connect } from '../cluster/connect.ts'
import { unusable } from '../model/failure.ts'
import type { Io } from '../model/io.ts'
import { printable } from '../output/paint.ts'
import { type GlobalOptions, globalOptions } from './global-options.ts'
import { warner } from './warner.ts'

/** In bytes; nobody guesses that. */
const TOKEN_BYTES = 24

export function addUi(program: Command, io: Io): void {
  program
    .command('ui')
    .description('show all of it as a live page in the browser, served on 127.0.0.1 until Ctrl-C')
    .option('--port <NUMBER>', 'port on 127.0.0.1; a free one where not given', portOf)
    .action(async ({ port = 0 }: { port?: number }, self: Command) => {
      const server = await uiServer(globalOptions(self), io)
      server.listen(port, '127.0.0.1')
      await once(server, 'listening').catch(error => {
        throw unusable(`--port: ${port} cannot be used (${messageOf(error)}); leave it out for a free one`)
      })
      const { address, token } = { address: server.address() as AddressInfo, token: server.token }
      io.out(`http://127.0.0.1:${address.port}/${token}/\n`)
      io.err('Open that address in a browser on this computer. Whoever has it sees what you may see. Ctrl-C ends it.\n')
      await ended()
      server.close()
      server.closeAllConnections()
    })
}

async function uiServer(global: GlobalOptions, io: Io) {
  const { namespace, startgateNamespace } = global
  const access = { cluster: await connect(global), startgateNamespace, warn: warner(io) }
  const [{ buildUiServer }, { followed }, { pageAssets }, { leaderEvents }, { readState, stateClient }] =
    await Promise.all([
      import('../ui/server.ts'),
      import('../ui/follow.ts'),
      import('../ui/assets.ts'),
      import('../state/leader-events.ts'),
      import('../state/state-client.ts'),
    ])
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  const server = buildUiServer({
    ...{ assets: pageAssets(), token, namespace, timers: systemTimers },
    follow: followed((query, signal) => leaderEvents(access, query, signal)),
    async reader() {
      const client = await stateClient(access)
      return query => readState(client, query)
    },
    complain: sentence => io.err(`${printable(sentence)}\n`),
  })
  return Object.assign(server, { token })
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port >= 1 && port <= 65_535) return port
  throw unusable(`--port: ${JSON.stringify(text)} ${instead('is not a port', 'a number from 1 to 65535')}`)
}

async function ended(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  return promise
}
