import type { InvalidValueError } from '../../../core/errors.ts'
import type { Logger } from '../../../core/log.ts'
import type { Namespace, Node, Pod } from '../../../core/pod.ts'
import type { AfterCycle, AfterOverdue } from '../after/after-waits.ts'
import type { Scope } from '../limits/scope.ts'
import type { Grant, Release, SlotTimeout, Waiting } from '../model/grant.ts'
import { reasonOfError, type Trouble } from '../model/trouble.ts'
import type { Reporter } from '../report/event-reporter.ts'
import type { FreezeChanges, FreezeSight } from '../report/freeze-changes.ts'
import type { ServiceMetrics } from '../report/metrics.ts'
import type { WaitingConditions } from '../report/waiting-conditions.ts'
import type { Recent } from '../state/recent.ts'

/** What people should hear of a term: in Events, metrics and the log. Nothing is decided by it. */
export type News =
  | { kind: 'granted'; grant: Grant; waitedMs: number; answered: boolean }
  | ({ kind: 'released'; pod: Pod | undefined } & Release)
  | { kind: 'timed-out'; timeout: SlotTimeout; pod: Pod | undefined }
  /** `after` has held a pod back for as long as it may. */
  | { kind: 'after-overdue'; overdue: AfterOverdue; pod: Pod | undefined }
  /** All there are now. */
  | { kind: 'after-cycles'; cycles: (AfterCycle & { pods: Pod[] })[] }
  | { kind: 'oversize'; slots: number; scope: Scope; pod: Pod | undefined }
  /** It goes although limits are full. */
  | { kind: 'passed'; reason: string; pod: Pod | undefined }
  /** Of everybody who waits, with how long; also when nobody does. Each one to five seconds, or at each decision. */
  | { kind: 'waiting'; rows: readonly (readonly [Waiting, number])[] }
  | { kind: 'set-aside'; trouble: Trouble; pod: Pod | undefined }
  | { kind: 'decision-failed'; error: unknown }
  /** What the API server showed could not be taken in. */
  | { kind: 'event-failed'; event: string; namespace: string | undefined; pod: string | undefined; error: unknown }
  /** Nothing could be granted for so long. */
  | { kind: 'mute'; forMs: number }
  /** That is over. */
  | { kind: 'unmuted' }
  | { kind: 'pod-shown'; pod: Pod }
  /** Gone, or past starting for long. */
  | { kind: 'pod-forgotten'; uid: string }
  | { kind: 'node-problems'; node: Node; problems: InvalidValueError[] }
  | { kind: 'namespace-problems'; namespace: Namespace; problems: InvalidValueError[] }
  | ({ kind: 'freeze-shown' } & FreezeSight)
  | { kind: 'problems-gone'; of: 'Namespace' | 'Node'; name: string }

export interface NewsChannels {
  reporter: Reporter
  freezes: FreezeChanges
  metrics: ServiceMetrics
  recent: Recent
  /** Absent where no conditions are written. */
  conditions: WaitingConditions | undefined
  log: Logger
  /** Of a ticket's key. */
  podOf: (key: string) => Pod | undefined
}

/** Tells Events, metrics and the log. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a total switch.
export function publishNews(news: News, channels: NewsChannels): void {
  const { reporter, metrics, log } = channels
  switch (news.kind) {
    case 'granted':
      granted(news, channels)
      break
    case 'released':
      released(news, channels)
      break
    case 'timed-out':
      channels.recent.timedOut(news.timeout)
      reporter.timedOut(news.timeout, news.pod)
      break
    case 'after-overdue':
      reporter.overdue(news.overdue, news.pod)
      break
    case 'after-cycles':
      reporter.cycles(news.cycles)
      break
    case 'oversize':
      reporter.oversize(news.pod, news.slots, news.scope)
      break
    case 'passed':
      reporter.passed(news.pod, news.reason)
      metrics.passed(news.pod?.metadata.namespace ?? '')
      break
    case 'waiting':
      channels.conditions?.waiting(news.rows)
      for (const [row, waitedMs] of news.rows) reporter.waiting(row, waitedMs, channels.podOf)
      break
    case 'set-aside':
      setAside(news, channels)
      break
    case 'decision-failed':
      metrics.stepFailed()
      log.error({ error: reasonOfError(news.error) }, 'a decision failed; it is tried again')
      break
    case 'event-failed':
      eventFailed(news, log)
      break
    case 'mute':
      log.error(
        { forMs: news.forMs },
        'nothing could be granted for a minute: gates are told nothing, so that they fail open',
      )
      break
    case 'unmuted':
      log.info('grants can be made again: gates are told again')
      break
    case 'pod-shown':
      podShown(news.pod, channels)
      break
    case 'pod-forgotten':
      channels.conditions?.podForgotten(news.uid)
      reporter.podGone(news.uid)
      break
    case 'node-problems':
      reporter.nodeProblems(news.node, news.problems)
      break
    case 'namespace-problems':
      reporter.namespaceProblems(news.namespace, news.problems)
      break
    case 'freeze-shown':
      channels.freezes.shown(news)
      break
    case 'problems-gone':
      reporter.problemsGone(news.of, news.name)
      if (news.of === 'Namespace') channels.freezes.gone(news.name)
      break
  }
}

function granted({ grant, waitedMs, answered }: Extract<News, { kind: 'granted' }>, channels: NewsChannels): void {
  channels.log.info({ ...lineOf(grant), waitedMs, answered }, 'granted')
  if (!answered) return
  channels.conditions?.granted(grant)
  channels.recent.granted(grant, waitedMs)
  channels.metrics.granted(grant, waitedMs)
  channels.reporter.granted(grant)
}

function released({ pod, kind: _, ...release }: Extract<News, { kind: 'released' }>, channels: NewsChannels): void {
  const { grant, reason } = release
  channels.log.info({ ...lineOf(grant), reason }, 'released')
  channels.recent.released(grant, reason)
  channels.metrics.released(grant, reason)
  channels.reporter.released(release, pod)
}

function podShown(pod: Pod, { reporter, recent, conditions }: NewsChannels): void {
  conditions?.podShown(pod)
  const { namespace = '', name = '' } = pod.metadata
  for (const record of reporter.podChanged(pod)) recent.failedOpen({ namespace, name }, record)
}

function eventFailed({ kind: _, error, ...of }: Extract<News, { kind: 'event-failed' }>, log: Logger): void {
  log.error(
    { ...of, error: reasonOfError(error) },
    'a change of the cluster could not be taken in; what is known of it is that of before',
  )
}

function setAside(
  { trouble, pod }: Extract<News, { kind: 'set-aside' }>,
  { reporter, metrics, log }: NewsChannels,
): void {
  const { namespace, name } = pod?.metadata ?? {}
  log.warn({ namespace, pod: name, ...trouble }, 'a pod is set aside')
  metrics.setAside(trouble.kind)
  reporter.setAside(trouble, pod)
}

function lineOf({ namespace, podName: pod, nodeName: node, resource, slots }: Grant): object {
  return { namespace, pod, node, resource, slots }
}
