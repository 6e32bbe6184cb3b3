import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buildPage } from '../../build-page.ts'
import { systemTimers } from '../../core/timers.ts'
import type { Follow, Read } from '../ui/feed.ts'
import { buildUiServer } from '../ui/server.ts'

/** Test support: the real server of the real page on a free port of loopback. */
export async function madeUi({ follow, read, namespace }: { follow: Follow; read: Read; namespace?: string }) {
  const complaints: string[] = []
  const server = buildUiServer({
    ...{
      assets: (await buildPage()).assets,
      follow,
      reader: async () => read,
      token: 'token-of-the-test',
      namespace,
      timers: systemTimers,
    },
    complain: sentence => void complaints.push(sentence),
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/token-of-the-test/`,
    complaints,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
