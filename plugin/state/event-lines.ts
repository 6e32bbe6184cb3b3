/** One server-sent event. */
export interface ServerEvent {
  event: string
  data: string
}

/** A state is cut to some thousand rows; more is not what it should be. */
const MOST_TEXT = 64 * 1024 * 1024

/** Reads `text/event-stream` as it comes, in pieces of any length. Comments are left out. Linear in the text. */
export class EventLines {
  /** The pieces of a line that has not ended. */
  #pieces: string[] = []
  #length = 0
  #event = ''
  #data: string[] = []

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = []
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const line = [...this.#pieces, text.slice(from, end)].join('')
      this.#pieces = []
      this.#length = 0
      from = end + 1
      const done = this.#take(line.endsWith('\r') ? line.slice(0, -1) : line)
      if (done) events.push(done)
    }
    this.#pieces.push(text.slice(from))
    this.#length += text.length - from
    if (this.#length > MOST_TEXT) throw new Error('an event of the leader is too long')
    return events
  }

  #take(line: string): ServerEvent | undefined {
    if (line === '') return this.#end()
    if (line.startsWith('event:')) this.#event = line.slice(6).trim()
    else if (line.startsWith('data:')) this.#data.push(line.slice(5).replace(/^ /, ''))
    return undefined
  }

  #end(): ServerEvent | undefined {
    const done = this.#data.length > 0 ? { event: this.#event || 'message', data: this.#data.join('\n') } : undefined
    this.#event = ''
    this.#data = []
    return done
  }
}
