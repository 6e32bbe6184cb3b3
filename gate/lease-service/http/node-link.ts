import type { Duplex } from 'node:stream'
import { messageOf } from '../../../core/errors.ts'
import { type GateRequest, HEARTBEAT_MS } from '../../../core/lease-api.ts'
import type { Logger } from '../../../core/log.ts'
import type { GateName } from '../../../core/names.ts'
import type { NodeFigures } from '../../../core/node-figures.ts'
import { MAX_NODE_FRAME, MAX_NODE_GATES } from '../../../core/waiter-api.ts'
import { type NodeIdentity, type PodIdentity, RefusedError } from '../model/refusal.ts'
import type { Stream } from '../model/stream.ts'
import { countedAnswerOf } from './fault-answer.ts'
import { frameRate } from './frame-rate.ts'
import { lineFeed } from './line-feed.ts'
import { LinkGate, type LinkOwner } from './link-gate.ts'
import { LinkWriter } from './link-writer.ts'
import { parseFrame, type ReadFrame, readFrame } from './node-frames.ts'

/** As the server has them. */
export interface LinkDeps {
  connect: (identity: PodIdentity, gate: GateName, request: GateRequest, stream: Stream) => Promise<() => void>
  /** Takes in what a waiter tells of its node; without effect where this replica does not lead. */
  takeFigures: (nodeName: string, figures: NodeFigures) => void
  refused: (code: string) => void
  log: Logger
}

/** Counted as the refusal of a waiter that sends what is no frame. */
const NO_FRAME = 'BAD_FRAME'
/** Of one that sends figures that are none, which are left out. */
const NO_FIGURES = 'BAD_FIGURES'
/** Figures that come sooner are left out: nobody asks for more than one a second. */
const LEAST_FIGURES_GAP_MS = 500

/** The link of one node's waiter: each of its gates is a stream like any other (core/waiter-api.ts). */
export class NodeLink {
  readonly #node: NodeIdentity
  readonly #socket: Duplex
  readonly #deps: LinkDeps
  readonly #writer: LinkWriter
  readonly #gates = new Map<number, LinkGate>()
  readonly #owner: LinkOwner
  readonly #beat: NodeJS.Timeout
  readonly #rate = frameRate()
  #figuresAtMs = Number.NEGATIVE_INFINITY

  /** `figuresMs`: how often this waiter is to send figures, at the moment. */
  constructor(node: NodeIdentity, socket: Duplex, deps: LinkDeps, figuresMs: () => number) {
    this.#node = node
    this.#socket = socket
    this.#deps = deps
    this.#writer = new LinkWriter(socket)
    this.#owner = {
      writer: this.#writer,
      isOpen: gate => this.#gates.get(gate.id) === gate,
      // A message that is no last one ends nothing on the other side.
      ended: ({ id }, isLast) =>
        isLast
          ? void this.#gates.delete(id)
          : this.#refuse(id, new RefusedError(503, 'ENDED', 'the lease service ended its answer')),
    }
    this.#writer.beat(figuresMs())
    this.#beat = setInterval(() => this.#writer.beat(figuresMs()), HEARTBEAT_MS - 1_000)
    socket.once('close', () => this.#end())
    void this.#read()
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Reads no faster than a node's gates may speak. */
  async #read(): Promise<void> {
    const lines = lineFeed(MAX_NODE_FRAME)
    try {
      for await (const chunk of this.#socket as AsyncIterable<Buffer>) if (!(await this.#takeChunk(lines(chunk)))) break
    } catch {
      // The connection broke.
    }
    this.#socket.destroy()
  }

  /** False when there is something in it that is no frame. */
  async #takeChunk(lines: Iterable<string>): Promise<boolean> {
    try {
      for (const line of lines) {
        const frame = parseFrame(line)
        if (frame.of === 'node') this.#takeFigures(frame.figures)
        else this.#take(frame.id, () => readFrame(frame.id, frame.fields))
        const restMs = this.#rate(performance.now())
        if (restMs > 0) await new Promise(resolve => setTimeout(resolve, restMs))
      }
      return true
    } catch (error) {
      this.#deps.refused(NO_FRAME)
      this.#deps.log.warn({ node: this.#node.nodeName, error: messageOf(error) }, 'hanging up on a waiter')
      return false
    }
  }

  #take(id: number, read: () => ReadFrame): void {
    try {
      const frame = read()
      if (frame.kind === 'open') this.#open(frame)
      else if (frame.kind === 'close') this.#leave(id)
    } catch (error) {
      this.#refuse(id, error)
    }
  }

  #open({ id, namespace, podName, gate, request }: Extract<ReadFrame, { kind: 'open' }>): void {
    if (this.#gates.has(id)) throw new RefusedError(400, 'BAD_REQUEST', `id ${id} is open already; use another`)
    if (this.#gates.size >= MAX_NODE_GATES)
      throw new RefusedError(429, 'TOO_MANY_GATES', `${MAX_NODE_GATES} gates of this node wait already: try again`)
    const identity = { namespace, podName, podUid: request.podUid, vouchedOn: this.#node.nodeName }
    const open = new LinkGate(id, { identity, nonce: request.nonce }, this.#owner)
    this.#gates.set(id, open)
    this.#deps.connect(identity, gate, request, open).then(
      hangUp => open.connected(hangUp),
      error => void (open.isOpen() && this.#refuse(id, error)),
    )
  }

  #leave(id: number): void {
    const open = this.#gates.get(id)
    this.#gates.delete(id)
    open?.leave()
  }

  #takeFigures(figures: NodeFigures | undefined): void {
    const nowMs = performance.now()
    if (!figures) this.#deps.refused(NO_FIGURES)
    else if (nowMs - this.#figuresAtMs >= LEAST_FIGURES_GAP_MS) {
      this.#figuresAtMs = nowMs
      this.#deps.takeFigures(this.#node.nodeName, figures)
    }
  }

  #refuse(id: number, error: unknown): void {
    const { namespace, podName } = this.#gates.get(id)?.identity ?? {}
    this.#gates.delete(id)
    const about = { node: this.#node.nodeName, ...(podName && { pod: `${namespace}/${podName}` }) }
    const { code, message } = countedAnswerOf(error, about, this.#deps)
    this.#writer.refused(id, code, message)
  }

  #end(): void {
    clearInterval(this.#beat)
    const left = [...this.#gates.values()]
    this.#gates.clear()
    for (const gate of left) gate.leave()
  }
}
