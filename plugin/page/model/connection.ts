/** How the page is connected: to the program `kubectl startgate ui`, and through it to the leader. */
export type Connection =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** The program is there, and tells why the leader cannot be followed. */
  | { kind: 'trouble'; sentence: string; sinceMs: number }
  /** The program does not answer; the browser tries again. */
  | { kind: 'away'; sinceMs: number }
  /** It refuses, as when it was started anew and has another address: no use to try again. */
  | { kind: 'refused'; sentence: string }

export type ConnectionEvent =
  | { kind: 'told' }
  | { kind: 'trouble'; sentence: string; atMs: number }
  | { kind: 'away'; atMs: number }
  | { kind: 'refused'; sentence: string }

export function connectionAfter(connection: Connection, event: ConnectionEvent): Connection {
  switch (event.kind) {
    case 'told':
      return connection.kind === 'live' ? connection : { kind: 'live' }
    case 'trouble': {
      const sinceMs = connection.kind === 'trouble' ? connection.sinceMs : event.atMs
      return { kind: 'trouble', sentence: event.sentence, sinceMs }
    }
    case 'away':
      return connection.kind === 'away' ? connection : { kind: 'away', sinceMs: event.atMs }
    case 'refused':
      return event
  }
}

/** What to say about it and how grave it is; undefined while all is well. */
export function connectionWords(connection: Connection): { tone: 'bad' | 'warn'; text: string } | undefined {
  switch (connection.kind) {
    case 'live':
    case 'connecting':
      return undefined
    case 'trouble':
      return { tone: 'warn', text: connection.sentence }
    case 'away':
      return { tone: 'bad', text: AWAY }
    case 'refused':
      return { tone: 'bad', text: connection.sentence }
  }
}

const AWAY =
  'the program kubectl startgate ui does not answer; if it has ended, start it again and open the address it prints'
