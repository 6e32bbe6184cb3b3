import { InvalidValueError, notValid } from '../../../core/errors.ts'
import { type GateName, PULL_GATE, SEQUENCE_GATE_PREFIX, START_GATE } from '../../../core/names.ts'
import { isSequenceGate } from '../../../core/sequence.ts'
import { RefusedError } from '../model/refusal.ts'

/** The gate of this name; throws RefusedError where it is none. */
export function gateOf(name: string): GateName {
  if (name === PULL_GATE || (isSequenceGate(name) && name.length <= 63)) return name
  const remedy = notValid('gate', PULL_GATE, START_GATE, `${SEQUENCE_GATE_PREFIX}NAME`)
  throw new RefusedError(400, 'UNKNOWN_GATE', new InvalidValueError('gate', name, remedy).message)
}
