import { cut, messageOf } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { type MutateFacts, mutate, type Outcome } from '../mutate/mutate.ts'
import type { ReviewResult, WebhookMetrics } from './metrics.ts'
import { type AdmissionReview, allow, denied, type PodReview, parseReview, patched } from './review.ts'
import { eventSubjectOf, type Ungated } from './ungated.ts'

export interface AnswerDeps {
  /** What is known now; undefined while something that every gate needs is not. */
  factsFor(namespace: string): MutateFacts | undefined
  /** What is not known yet, one sentence each; empty when ready. */
  unready(): string[]
  metrics: WebhookMetrics
  log: Logger
  /** Milliseconds, for durations. */
  monotonicMs(): number
}

/** `ungated`: to be told once the answer is out. */
export type Answer =
  | { kind: 'review'; body: AdmissionReview; ungated?: Ungated }
  | { kind: 'malformed'; sentence: string }

/** A sentence may quote a value of the pod's author; what is told is kept until it is sent. */
const LONGEST_SENTENCE = 500

interface Verdict {
  body: AdmissionReview
  result: ReviewResult
  reason: string
  ungated?: Ungated
}

/** Answers a parsed body of any shape, and counts and logs what it did. Never throws. */
export function answer(body: unknown, deps: AnswerDeps): Answer {
  const startMs = deps.monotonicMs()
  const count = (result: ReviewResult, reason: string) =>
    deps.metrics.review(result, reason, (deps.monotonicMs() - startMs) / 1000)
  const parsed = parseReview(body)
  if (parsed.kind === 'malformed') {
    count('malformed', 'Malformed')
    deps.log.warn({ sentence: parsed.sentence }, 'malformed review')
    return parsed
  }
  if (parsed.kind === 'other') {
    count('skipped', parsed.reason)
    const warnings = parsed.reason === 'UnreadablePod' ? [`startgate: not gated: ${parsed.fault}`] : []
    return { kind: 'review', body: allow(parsed.uid, warnings) }
  }
  const verdict = decide(parsed.review, deps)
  count(verdict.result, verdict.reason)
  return { kind: 'review', body: verdict.body, ...(verdict.ungated && { ungated: verdict.ungated }) }
}

function decide(review: PodReview, deps: AnswerDeps): Verdict {
  const { uid, namespace, pod, isDryRun } = review
  const name = pod.metadata.name ?? pod.metadata.generateName ?? ''
  const log = deps.log.child({ namespace: cut(namespace), pod: cut(name), uid: cut(uid) })
  const unchanged = (reason: string, sentence: string): Verdict => ({
    body: allow(uid, [`startgate: ${sentence}`]),
    result: 'unchanged',
    reason,
    ...(!isDryRun && {
      ungated: {
        namespace,
        owner: eventSubjectOf(pod.metadata, namespace),
        reason,
        sentence: cut(sentence, LONGEST_SENTENCE),
      },
    }),
  })
  try {
    const facts = deps.factsFor(namespace)
    if (!facts) {
      const missing = deps.unready().join(', ')
      log.warn({ missing }, 'not gated: not all is known yet')
      return unchanged(
        'NotReady',
        `not gated, the webhook does not know yet: ${missing}; create the pod again in a moment`,
      )
    }
    const outcome = mutate(pod, namespace, facts)
    if (outcome.kind !== 'unchanged') return settled(uid, outcome, { ...deps, log })
    log.warn({ reason: outcome.reason }, cut(outcome.sentence, LONGEST_SENTENCE))
    return unchanged(outcome.reason, outcome.sentence)
  } catch (error) {
    // Whatever is wrong with us, the pod must be created.
    log.error({ err: error }, `review failed: ${messageOf(error)}`)
    return unchanged('InternalError', 'not gated, a fault of startgate: see its log')
  }
}

function settled(
  uid: string,
  outcome: Exclude<Outcome, { kind: 'unchanged' }>,
  { metrics, log }: Pick<AnswerDeps, 'metrics' | 'log'>,
): Verdict {
  switch (outcome.kind) {
    case 'skipped':
      log.debug({ reasons: outcome.reasons }, 'skipped')
      return { body: allow(uid), result: 'skipped', reason: outcome.reasons[0] ?? '' }
    case 'denied':
      log.info({ problems: outcome.problems }, 'denied')
      return { body: denied(uid, outcome.problems), result: 'denied', reason: 'BadInput' }
    case 'patched': {
      const { operations, warnings } = outcome
      metrics.patch(Buffer.byteLength(JSON.stringify(operations)))
      log.debug({ operations: operations.length }, 'patched')
      const gated = outcome.raised ? 'GatedRaisingRequest' : 'Gated'
      const reason = operations.length > 0 ? gated : 'AlreadyGated'
      return { body: patched(uid, operations, warnings), result: 'patched', reason }
    }
  }
}
