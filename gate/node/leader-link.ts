import type { Socket } from 'node:net'
import { messageOf } from '../../core/errors.ts'
import { type ErrorBody, type GateMessage, HEARTBEAT_MS } from '../../core/lease-api.ts'
import type { NodeFigures } from '../../core/node-figures.ts'
import { isLast, type LinkFrame, type NodeFrame } from '../../core/waiter-api.ts'
import { createJsonLines } from '../pod/json-lines.ts'

/** Of the link, and of one gate on it: who is not heard for three heartbeats is lost. */
const SILENCE_MS = 3 * HEARTBEAT_MS
/** A link that nobody waits on is closed: after a change of leaders the former one needs it no more. */
const IDLE_MS = 30_000
/**
 * A replica that knows no leader may be cut off from the API server, while another leads. The next connection by the
 * Service may reach that one; while none leads at all it is one in so long.
 */
const NO_LEADER_MS = 5_000
/** Bytes for a leader that does not read; each open gate sends a few hundred, once. */
const MOST_UNSENT = 2_097_152
const FIGURES_SLACK_MS = 500

export interface Opening extends Omit<Extract<NodeFrame, { kind: 'open' }>, 'kind' | 'id'> {}

/** One gate on a link. */
export interface Listener {
  onMessage(message: GateMessage): void
  /** The gate's part is over; nothing more comes. */
  onEnd(reason: string): void
}

interface Waiting extends Listener {
  heardMs: number
  latest?: GateMessage
}

export interface LinkDeps {
  /** Makes the connection; rejects with what went wrong. */
  connect: (signal: AbortSignal) => Promise<Socket>
  monotonicMs: () => number
  /** Called once, when nothing more can be opened here. */
  onClosed: () => void
}

/** One connection to a replica of the lease service, with all gates of this node that ask there. */
export class LeaderLink {
  readonly #deps: LinkDeps
  readonly #waiting = new Map<number, Waiting>()
  readonly #aborter = new AbortController()
  readonly #look: NodeJS.Timeout
  /** Before the connection is made. */
  #unsent: string[] | undefined = []
  #socket: Socket | undefined
  #lastId = 0
  #heardMs: number
  #busyMs: number
  #begunMs = Number.POSITIVE_INFINITY
  #isClosed = false
  /** How often the leader wants figures; undefined: not at all. */
  #figuresMs: number | undefined
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(deps: LinkDeps) {
    this.#deps = deps
    this.#heardMs = this.#busyMs = deps.monotonicMs()
    this.#look = setInterval(() => this.#lookAround(), 1_000)
    deps.connect(this.#aborter.signal).then(
      socket => this.#begin(socket),
      error => this.close(messageOf(error)),
    )
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Asks for a gate; returns its number here, for `leave`. */
  open(opening: Opening, listener: Listener): number {
    const id = ++this.#lastId
    this.#waiting.set(id, { ...listener, heardMs: this.#deps.monotonicMs() })
    this.#send({ kind: 'open', id, ...opening })
    return id
  }

  /** The gate asks no more. */
  leave(id: number): void {
    if (this.#waiting.delete(id)) this.#send({ kind: 'close', id })
  }

  /** Gates wait, and the leader has said that it wants figures. */
  get wantsFigures(): boolean {
    return this.#waiting.size > 0 && this.#figuresMs !== undefined
  }

  /** And it had none for as long as it said. */
  get areFiguresDue(): boolean {
    // Whoever looks each second must not skip one for a millisecond.
    return this.wantsFigures && this.#deps.monotonicMs() - this.#toldMs > (this.#figuresMs ?? 0) - FIGURES_SLACK_MS
  }

  tellFigures(figures: NodeFigures): void {
    this.#toldMs = this.#deps.monotonicMs()
    this.#send({ kind: 'figures', figures })
  }

  close(reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#look)
    this.#aborter.abort()
    this.#socket?.destroy()
    this.#deps.onClosed()
    const left = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { onEnd } of left) onEnd(reason)
  }

  #begin(socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy()
      return
    }
    this.#socket = socket
    this.#begunMs = this.#heardMs = this.#deps.monotonicMs()
    const lines = createJsonLines()
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of lines(chunk)) this.#take(frame as LinkFrame)
      } catch (error) {
        this.close(messageOf(error))
      }
    })
    socket.on('error', error => this.close(messageOf(error)))
    socket.on('close', () => this.close('the lease service ended the connection'))
    const unsent = this.#unsent ?? []
    this.#unsent = undefined
    if (unsent.length > 0) socket.write(unsent.join(''))
  }

  #send(frame: NodeFrame): void {
    const line = `${JSON.stringify(frame)}\n`
    if (this.#unsent) this.#unsent.push(line)
    else if ((this.#socket?.writableLength ?? 0) > MOST_UNSENT) this.close('the lease service does not read')
    else this.#socket?.write(line)
  }

  #take(frame: LinkFrame): void {
    this.#heardMs = this.#deps.monotonicMs()
    switch (frame.kind) {
      case 'message':
        this.#hear(frame.id, frame.message)
        break
      case 'beat':
        this.#figuresMs = frame.figuresMs ?? this.#figuresMs
        for (const id of frame.ids) {
          const latest = this.#waiting.get(id)?.latest
          if (latest) this.#hear(id, latest)
        }
        break
      case 'refused':
        this.#refuse(frame.id, frame.error)
        break
    }
  }

  #hear(id: number, message: GateMessage): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    waiting.heardMs = this.#heardMs
    waiting.latest = message
    if (!isLast(message)) {
      waiting.onMessage(message)
      return
    }
    // Before it is told, since a gate that has its answer leaves, which would be said to a leader that knows.
    this.#waiting.delete(id)
    waiting.onMessage(message)
    waiting.onEnd('the lease service ended its answer')
  }

  #refuse(id: number, { code, message }: ErrorBody): void {
    const reason = `${code}: ${message}`
    this.#end(id, reason)
    if (code === 'NO_LEADER' && this.#heardMs - this.#begunMs >= NO_LEADER_MS) this.close(reason)
  }

  #end(id: number, reason: string): void {
    const waiting = this.#waiting.get(id)
    if (this.#waiting.delete(id)) waiting?.onEnd(reason)
  }

  #lookAround(): void {
    const nowMs = this.#deps.monotonicMs()
    if (this.#waiting.size > 0) this.#busyMs = nowMs
    const silence = `no word from the lease service for ${SILENCE_MS / 1_000} s`
    if (nowMs - this.#heardMs > SILENCE_MS) this.close(silence)
    else if (nowMs - this.#busyMs > IDLE_MS) this.close('nobody waits')
    for (const [id, { heardMs }] of this.#waiting) {
      if (nowMs - heardMs <= SILENCE_MS) continue
      this.#send({ kind: 'close', id })
      this.#end(id, silence)
    }
  }
}
