import type { Container, ContainerState, ContainerStatus, Pod } from '../../core/pod.ts'
import { containerOf } from '../lease-service/pods/pod-sequence.ts'
import type { Timeline } from './timeline.ts'

/** By second: making one costs more than all else about a status. */
const STAMPS = new Map<number, string>()

/** Test support. The container statuses of one pod, as its kubelet has them. */
export class SimStatuses {
  readonly #base: Pod
  readonly #time: Timeline
  readonly #records = new Map<string, ContainerStatus>()
  #ids = 0

  constructor(base: Pod, time: Timeline) {
    this.#base = base
    this.#time = time
  }

  of(containers: readonly Container[] = []): ContainerStatus[] {
    return containers.flatMap(c => this.#records.get(c.name) ?? []).map(record => ({ ...record }))
  }

  stateOf(name: string): ContainerState | undefined {
    return this.#records.get(name)?.state
  }

  /** A container runs from now on; returns its ID. */
  run(name: string): string {
    const before = this.stateOf(name)
    this.#ids += 1
    const id = `${this.#base.metadata.uid}-${this.#ids}`
    this.set(name, { running: { startedAt: this.#stamp() } }, before?.terminated ? before : {}, id)
    return id
  }

  end(name: string, exitCode: number, message?: string): void {
    const record = this.#records.get(name)
    const startedAt = record?.state?.running?.startedAt ?? this.#stamp()
    const containerID = record?.containerID ?? ''
    const finishedAt = this.#stamp()
    const end = { exitCode, startedAt, finishedAt, containerID, ...(message !== undefined && { message }) }
    this.set(name, { terminated: end }, record?.lastState ?? {}, containerID)
  }

  set(name: string, state: ContainerState, lastState: ContainerState = {}, containerID?: string): void {
    const id = containerID ?? this.#records.get(name)?.containerID
    this.#records.set(name, {
      name,
      ready: false,
      restartCount: 0,
      imageID: `sha256:${containerOf(this.#base, name)?.image ?? ''}`,
      state,
      lastState,
      ...(id !== undefined && { containerID: id }),
    })
  }

  update(name: string, fields: Pick<ContainerStatus, 'ready'> & Partial<ContainerStatus>): void {
    const record = this.#records.get(name)
    if (record) this.#records.set(name, { ...record, ...fields })
  }

  /** The records stay as they were, or show that all was killed, or that the runtime knows nothing of the sandbox. */
  sandboxDied(look: 'untouched' | 'killed' | 'lost'): void {
    for (const record of this.#records.values()) {
      if (!record.state?.running || look === 'untouched') continue
      const containerID = look === 'killed' ? { containerID: record.containerID ?? '' } : {}
      record.state = { terminated: { exitCode: 137, ...record.state.running, ...containerID } }
      record.ready = false
    }
  }

  /** The kubelet's stamps have whole seconds. */
  #stamp(): string {
    const second = Math.floor(this.#time.nowMs / 1000)
    const stamp = STAMPS.get(second) ?? new Date(second * 1000).toISOString()
    STAMPS.set(second, stamp)
    return stamp
  }
}
