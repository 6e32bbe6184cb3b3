import type { Clock } from '../core/clock.ts'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import { type Bundle, decodeBundle, encodeBundle } from './bundle.ts'
import { IdentityHolder, type IdentityView } from './identity.ts'
import type { KeySource } from './keys.ts'
import { type Loop, startLoop } from './loop.ts'
import { DEFAULT_LIFETIMES, type LeafNames, type Lifetimes, nextStep, type Verdict } from './policy.ts'
import { renew } from './renewal.ts'
import type { CaPublisher, SecretStore, StoredSecret } from './store.ts'
import { readCertificate } from './x509.ts'

export interface RotatorOptions {
  secret: SecretStore
  publisher: CaPublisher
  keys: KeySource
  clock: Clock
  log: Logger
  /** Names that each program's certificate must be good for. */
  dnsNames: LeafNames
  lifetimes?: Lifetimes
  /** Time between two checks, once there is a certificate; 5 s. */
  intervalMs?: number
}

/** When each certificate ends, ms since the epoch; for metrics. */
export interface Expiries {
  servingMs: number
  signingCaMs: number
  nextCaMs: number
}

export interface Rotator extends IdentityView {
  /** Checks now: call it when the Secret or the webhook configuration changed. Never rejects. */
  poke(): Promise<void>
  stop(): void
  expiries(): Expiries | undefined
}

const INTERVAL_MS = 5_000
/** Until there is a certificate, a replica is not ready. */
const FIRST_INTERVAL_MS = 1_000
/** From nothing or any wreck to `keep` takes five; the rest is for lost races. */
const MAX_STEPS = 10

/**
 * Makes, renews and publishes the certificates; runs in every replica of the webhook. Replicas need no leader: each
 * write is conditional on what was read, and who loses a race takes the winner's. A replica serves a new certificate
 * only after the CAs in the webhook configuration can verify it.
 */
export function startRotator(options: RotatorOptions): Rotator {
  const holder = new IdentityHolder()
  const state: RotatorState = { bundle: undefined, failing: false, unpublished: false }
  const check = async () => {
    try {
      state.bundle = await settle(options, state, holder.current() !== undefined)
      const change = holder.offer(state.bundle)
      if (change === 'Changed') options.log.info({ expiries: expiriesOf(state.bundle) }, 'serving certificate in use')
      state.failing = false
    } catch (error) {
      // What is in use stays in use. A certificate lives days, so one line when it begins is enough.
      if (!state.failing) options.log.error({ err: error }, `certificates cannot be checked: ${messageOf(error)}`)
      state.failing = true
    }
  }
  const delayMs = () => (holder.current() ? (options.intervalMs ?? INTERVAL_MS) : FIRST_INTERVAL_MS)
  const loop: Loop = startLoop(check, delayMs)
  return {
    poke: loop.poke,
    stop: loop.stop,
    current: () => holder.current(),
    onChange: listener => holder.onChange(listener),
    expiries: () => state.bundle && expiriesOf(state.bundle),
  }
}

/** What outlives a check. */
interface RotatorState {
  /** The last that was found in order. */
  bundle: Bundle | undefined
  /** Whether the last check failed. */
  failing: boolean
  /** Whether the last CA bundle could not be published, while there was a certificate to serve. */
  unpublished: boolean
}

/** Takes steps until none is needed, and returns the bundle, its CAs published. */
async function settle(options: RotatorOptions, state: RotatorState, isServing: boolean): Promise<Bundle> {
  let verdict: Verdict | undefined
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const read = await options.secret.read()
    const bundle = read && decodeBundle(read.data)
    const published = bundle !== undefined && (await publish(bundle, options, state, isServing))
    verdict = nextStep({
      bundle,
      published,
      nowMs: options.clock.wallMs(),
      dnsNames: options.dnsNames,
      lifetimes: options.lifetimes ?? DEFAULT_LIFETIMES,
    })
    if (verdict.step === 'keep' && bundle) return bundle
    await take(verdict, { read, bundle, options })
  }
  throw new Error(`certificates did not settle in ${MAX_STEPS} steps: the last was ${lastStep(verdict)}`)
}

/**
 * Whether the configuration had the bundle already: then API servers have seen it since some earlier check. A failure
 * stops a replica that serves nothing yet, so that an installation without the right shows; a serving
 * one goes on, since its leaf must be renewed in any case, and logs when this begins and when it is over.
 */
async function publish(
  bundle: Bundle,
  { publisher, log }: RotatorOptions,
  state: RotatorState,
  isServing: boolean,
): Promise<boolean> {
  if (bundle.trusted.length === 0) return false
  try {
    const result = await publisher.publish(bundle.trusted.join(''))
    if (state.unpublished) log.info('CA bundle can be written into the webhook configuration again')
    state.unpublished = false
    if (result === 'Patched')
      log.info({ cas: bundle.trusted.length }, 'CA bundle written into the webhook configuration')
    return result !== 'Patched'
  } catch (error) {
    if (!isServing) throw error
    if (!state.unpublished) log.error({ err: error }, 'CA bundle cannot be written into the webhook configuration')
    state.unpublished = true
    return false
  }
}

function lastStep(verdict: Verdict | undefined): string {
  return verdict === undefined ? 'none' : `${verdict.step} (${verdict.reason ?? 'no reason'})`
}

interface Found {
  read: StoredSecret | undefined
  bundle: Bundle | undefined
  options: RotatorOptions
}

async function take(verdict: Verdict, { read, bundle, options }: Found): Promise<void> {
  const { secret, keys, clock, dnsNames, lifetimes = DEFAULT_LIFETIMES } = options
  const renewed = await renew(verdict.step, bundle, { keys, dnsNames, lifetimes, nowMs: clock.wallMs() })
  const data = encodeBundle(renewed)
  const result = await (read ? secret.replace(read, data) : secret.create(data))
  options.log.info({ ...verdict, result }, 'certificates renewed')
}

function expiriesOf(bundle: Bundle): Expiries {
  const end = (pem: string) => readCertificate(pem)?.notAfterMs ?? 0
  return {
    servingMs: end(bundle.serving.certPem),
    signingCaMs: end(bundle.signing.certPem),
    nextCaMs: end(bundle.next.certPem),
  }
}
