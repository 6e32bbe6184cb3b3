import { get, type IncomingMessage } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { buildMetricsServer } from '../../../core/metrics-server.ts'
import type { Pod } from '../../../core/pod.ts'
import { createReadAccess } from '../../../core/read-access.ts'
import { listenOnLoopback } from '../../../core/testing/listen-on-loopback.ts'
import type { Timers } from '../../../core/timers.ts'
import { createStateRoutes } from '../http/state-routes.ts'
import { madeService } from './made-service.ts'

interface Planned {
  atMs: number
  act: () => void
}

/** Timers that run when the test says that time has passed. */
function madeTimers(now: () => number): Timers & { run(): void } {
  const planned = new Set<Planned>()
  return {
    after(ms, act) {
      const plan = { atMs: now() + ms, act }
      planned.add(plan)
      return () => void planned.delete(plan)
    },
    every: () => () => undefined,
    soon: act => void setImmediate().then(act),
    run() {
      for (const plan of [...planned]) if (plan.atMs <= now() && planned.delete(plan)) plan.act()
    },
  }
}

/** What came over one connection so far, and the end of it. */
export interface Heard {
  status: number | undefined
  text: () => string
  ended: Promise<unknown>
  answer: IncomingMessage
}

/**
 * Test support. The real service and the real server on loopback. Tokens `all` and `auditor` may read all, `shop` the
 * namespace shop, `none` nothing; `all/2` is another token of the same user. The API server knows no others.
 */
export async function madeStateServer(pods: Pod[]) {
  const made = madeService(pods)
  const { world, service } = made
  /** `stepMs`: what each thing costs whose CPU time is measured. */
  const access = {
    ...{ reviewed: 0, cpuMs: 0, stepMs: 0, fails: false },
    ...{ revoked: new Set<string>(), expired: new Set<string>() },
  }
  const clock = { monotonicMs: () => world.nowMs, wallMs: () => 1_700_000_000_000 + world.nowMs }
  const timers = madeTimers(() => world.nowMs)
  const log = pino({ level: 'silent' })
  const authorize = createReadAccess(async (token, namespace) => {
    access.reviewed += 1
    await setImmediate()
    if (access.fails) throw new Error('no answer')
    const [username = ''] = token.split('/')
    const isKnown = ['all', 'auditor', 'shop', 'none'].includes(username) && !access.expired.has(token)
    if (!isKnown) return { verdict: 'unauthenticated', username: '' }
    const may = username === 'all' || username === 'auditor' || username === namespace
    return { verdict: may && !access.revoked.has(username) ? 'allowed' : 'forbidden', username }
  }, clock.monotonicMs)
  const other = createStateRoutes({
    ...{ version: '1.2.3', pod: 'lease-service-0', clock, timers, log, authorize },
    cpuMs: () => {
      access.cpuMs += access.stepMs
      return access.cpuMs
    },
    facts: now => service.view.facts(now),
    leader: () => service.directions(),
  })
  const server = buildMetricsServer({
    contentType: 'text/plain',
    text: async () => 'metrics\n',
    authorize: undefined,
    monotonicMs: clock.monotonicMs,
    other,
    log,
  })
  const port = await listenOnLoopback(server)
  const open = (path: string, token: string | undefined = 'all'): Promise<Heard> =>
    new Promise((resolve, reject) => {
      const headers = token ? { authorization: `Bearer ${token}` } : {}
      const request = get({ host: '127.0.0.1', port, path, headers, agent: false }, answer => {
        let text = ''
        answer.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        answer.on('error', () => undefined)
        const ended = new Promise(end => answer.once('close', end))
        resolve({ status: answer.statusCode, text: () => text, ended, answer })
      })
      request.on('error', reject)
      onTestFinished(() => void request.destroy())
    })
  const ask = async (query = '', token: string | undefined = 'all') => {
    const { status, text, ended } = await open(`/v1/state${query}`, token)
    await ended
    return { status, body: JSON.parse(text()) }
  }
  /** A second passes. */
  const passes = async (ms = 1_000) => {
    world.nowMs += ms
    timers.run()
    for (let turn = 0; turn < 30; turn++) await setImmediate()
  }
  return { ...made, ask: made.ask, access, open, read: ask, passes, port, server }
}

export type ServerSentEvent = { event: string; data: unknown }

/** The whole events of a stream's text; comments are left out. */
export function eventsIn(text: string): ServerSentEvent[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .filter(part => !part.startsWith(':'))
    .map(part => {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? []
      return { event, data: JSON.parse(data) }
    })
}
