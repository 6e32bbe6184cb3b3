import type { GateName } from '../../core/names.ts'
import type { SimGate } from './gate.ts'

/** Test support. The gates of one pod in its sandbox of now. */
export class SandboxGates {
  /** A gate that asks for its own slots. */
  waiting: SimGate | undefined
  /** The stage gate that runs and reads its FIFO. */
  atFifo: GateName | undefined
  /** Stage gates that got their slots. */
  readonly granted = new Set<GateName>()
  /** Stage gates that have ended, and when. */
  readonly passedAtMs = new Map<GateName, number>()
  /** Those that went without a grant. */
  readonly failedOpen = new Set<GateName>()
  /** The last gate of this run failed open. */
  isLost = false

  /** Another sandbox begins: none of its gates has run. */
  clear(): void {
    this.atFifo = undefined
    this.granted.clear()
    this.passedAtMs.clear()
    this.failedOpen.clear()
    this.isLost = false
  }
}
