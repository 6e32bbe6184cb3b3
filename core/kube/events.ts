import type { Clock } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import type { KubeClient } from './client.ts'
import type { EventSubject } from './event.ts'
import { EventQueue, type QueuedEvent } from './event-queue.ts'
import { isAmbiguous, KubeError } from './kube-error.ts'

export interface EventRecorderOptions {
  client: Pick<KubeClient, 'createEvent'>
  /** Shown as the source: `startgate-lease-service`. */
  component: string
  clock: Clock
  log: Logger
}

export interface EventRecord {
  regarding: EventSubject
  type: 'Normal' | 'Warning'
  reason: string
  note: string
  /** See EventFacts. */
  id?: string
}

export interface EventCounts {
  sent: number
  /** Said before, within ten minutes. */
  repeated: number
  /** The queue was full, or the API server did not take it. */
  dropped: number
}

export interface EventRecorder {
  /** Queues an Event and returns at once. Never throws: an Event is news, not state. */
  record(event: EventRecord): void
  counts(): EventCounts
  /**
   * Resolves when all that was recorded is sent or given up; for an orderly exit, with a time limit of the caller's.
   */
  flush(): Promise<void>
}

/** Tells people about things that happened, where `kubectl describe` shows it. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options)
}

class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #queue = new EventQueue()
  readonly #counts: EventCounts = { sent: 0, repeated: 0, dropped: 0 }
  #draining: Promise<void> | undefined

  constructor(options: EventRecorderOptions) {
    this.#options = options
  }

  record = (event: EventRecord): void => {
    const { clock, component } = this.#options
    const answer = this.#queue.add({ ...event, component, wallMs: clock.wallMs() }, clock.monotonicMs())
    if (answer === 'repeated') this.#counts.repeated++
    if (answer === 'dropped') this.#drop(event.reason, 'the queue is full')
    if (answer === 'queued') this.#draining ??= this.#drain()
  }

  counts = (): EventCounts => ({ ...this.#counts })

  flush = async (): Promise<void> => this.#draining

  async #drain(): Promise<void> {
    for (;;) {
      const step = this.#queue.next(this.#options.clock.monotonicMs())
      if (step.kind === 'empty') {
        this.#draining = undefined
        return
      }
      if (step.kind === 'send') await this.#send(step.event)
      else await new Promise(resolve => setTimeout(resolve, step.ms))
    }
  }

  async #send(event: QueuedEvent): Promise<void> {
    try {
      await this.#options.client.createEvent(event.facts)
      this.#counts.sent++
    } catch (error) {
      const again = mayWorkLater(error) && this.#queue.retry(event, this.#options.clock.monotonicMs())
      if (!again) this.#drop(event.facts.reason, messageOf(error))
    }
  }

  #drop(reason: string, why: string): void {
    this.#counts.dropped++
    this.#options.log.warn({ reason, why }, 'event dropped')
  }
}

/** A namespace that is being deleted, or a malformed Event, stays refused. */
function mayWorkLater(error: unknown): boolean {
  return isAmbiguous(error) || (error instanceof KubeError && (error.status === 0 || error.status === 429))
}
