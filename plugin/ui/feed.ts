import type { State, StateQuery } from '../../core/state-api.ts'

/** What is passed on to the page. `data` is JSON in one line, as the leader sent it. */
export type FeedEvent =
  | { kind: 'state' | 'changes'; data: string }
  /** Why nothing comes at the moment, in a sentence. It is tried again meanwhile. */
  | { kind: 'trouble'; sentence: string }

/**
 * Follows the leader, also when another one leads, until the signal says so. `state` comes first, and again whenever
 * `changes` do not go on from what came before. Never throws, and ends only with the signal.
 */
export type Follow = (query: StateQuery, signal: AbortSignal) => AsyncIterable<FeedEvent>

/** Asks the leader once. Throws an error whose message is a sentence for people. */
export type Read = (query: StateQuery) => Promise<State>

/** Finds the leader, to be asked several times in a row. Throws as Read does. */
export type Reader = () => Promise<Read>
