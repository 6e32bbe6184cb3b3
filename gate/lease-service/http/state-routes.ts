import type { IncomingMessage, ServerResponse } from 'node:http'
import { InvalidValueError, messageOf } from '../../../core/errors.ts'
import { bearerIn, NO_TOKEN, NOT_REVIEWED, notFound, refuse } from '../../../core/http-refusals.ts'
import type { OtherRoutes } from '../../../core/metrics-server.ts'
import type { Authorize } from '../../../core/read-access.ts'
import { STATE_PATH } from '../../../core/state-api.ts'
import { type ParsedQuery, stateQuery } from '../state/query.ts'
import { StateFeed, type StateFeedDeps } from './state-feed.ts'
import { badQuery, FAULT, notLeading, type Refusal, refusalOf, TOO_MANY_QUESTIONS } from './state-refusals.ts'
import { MOST_WATCHERS, StateWatchers, type StateWatchersDeps } from './state-watchers.ts'

export interface StateRoutesDeps extends StateFeedDeps, Omit<StateWatchersDeps, 'feed'> {
  authorize: Authorize
}

/** Those who watch, and as many again who ask once. */
const CONNECTIONS = MOST_WATCHERS + 28

/** `GET /v1/state`, for the metrics server. Who may read is judged at each request, before anything is made. */
export function createStateRoutes(deps: StateRoutesDeps): OtherRoutes {
  const feed = new StateFeed(deps)
  const watchers = new StateWatchers({ ...deps, feed })
  return {
    isFor: path => path === STATE_PATH,
    connections: CONNECTIONS,
    async serve(request, response, markTrusted) {
      try {
        const asked = await judged(request, deps)
        if ('status' in asked) return refuse(response, asked)
        markTrusted()
        const refusal = asked.query.watch ? watch(asked, response) : answer(asked, response)
        if (refusal) refuse(response, refusal)
      } catch (error) {
        deps.log.error({ error: messageOf(error) }, 'the state cannot be read')
        refuse(response, FAULT)
      }
    },
  }

  function answer({ query, reader }: Asked, response: ServerResponse): Refusal | undefined {
    const told = feed.answer(query, reader)
    if (told === 'NotLeading') return notLeading(deps.leader())
    if (told === 'Busy') return TOO_MANY_QUESTIONS
    const { length } = told.bytes
    const headers = { 'content-type': 'application/json', 'content-length': length, 'cache-control': 'no-store' }
    response.writeHead(200, headers).end(told.bytes)
    return undefined
  }

  function watch({ query, reader, token, address }: Asked, response: ServerResponse): Refusal | undefined {
    // Who cannot be asked about now may go on: a leader without an API server does not lead for long.
    const recheck = () =>
      deps.authorize(token, address, query.namespace).then(
        ({ verdict }) => refusalOf(verdict, query.namespace),
        () => undefined,
      )
    return watchers.add({ reader, query, response, recheck })
  }
}

interface Asked {
  query: ParsedQuery
  /** The user, as the API server says. */
  reader: string
  token: string
  address: string
}

/** What is asked by whom, or why it is not told. */
async function judged(request: IncomingMessage, { authorize, log }: StateRoutesDeps): Promise<Asked | Refusal> {
  const { method = '', url = '', headers, socket } = request
  if (method !== 'GET') return notFound(method, url, `GET ${STATE_PATH}`)
  try {
    const query = stateQuery(url.slice(STATE_PATH.length + 1))
    const token = bearerIn(headers.authorization)
    if (!token) return NO_TOKEN
    const address = socket.remoteAddress ?? ''
    const { verdict, username: reader } = await authorize(token, address, query.namespace)
    return refusalOf(verdict, query.namespace) ?? { query, reader, token, address }
  } catch (error) {
    if (error instanceof InvalidValueError) return badQuery(error.message)
    log.warn({ error: messageOf(error) }, 'cannot ask the API server who may read the state')
    return NOT_REVIEWED
  }
}
