import { randomUUID } from 'node:crypto'
import { parseConfig } from '../../gate/pod/config.ts'
import { createLeaseClient } from '../../gate/pod/lease-client.ts'

// A process of its own: asks the lease service once with a gate's own client, and says how that ended. Argument: the
// token's file.
const [, , tokenPath] = process.argv
const { config, faults } = parseConfig(process.env)
const nonce = randomUUID()
const body = { podUid: config.podUid, attempt: 1, nonce }
const client = createLeaseClient(config, tokenPath)
const ended = await client.ask(config.address, body, new AbortController().signal, () => undefined)
process.stdout.write([...faults, ended].join('\n'))
