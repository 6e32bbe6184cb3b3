import type { ClusterConfig } from '../../core/cluster-config.ts'
import { type InjectSettings, injectSettings } from '../../webhook/cluster/settings.ts'
import { skipSentence } from '../../webhook/mutate/eligibility.ts'
import { mutate, type Outcome } from '../../webhook/mutate/mutate.ts'
import { podFault } from '../../webhook/pod/pod-shape.ts'
import type { FoundObject, Objects, Place, Unreadable } from '../manifest/objects.ts'
import { podOf, type TemplatePod } from '../manifest/pod-template.ts'
import { type Namespaces, namespacesIn } from './namespaces.ts'
import { objectWarnings } from './object-warnings.ts'

/** What becomes of the pods of one object, or of the object itself where it makes none. */
export type Verdict = 'denied' | 'ungated' | 'skipped' | 'gated' | 'read'

export interface Message extends Pick<Place, 'line'> {
  level: 'denied' | 'warning' | 'skipped'
  sentence: string
}

export interface Finding extends Place {
  kind: string
  name: string
  namespace: string | undefined
  verdict: Verdict
  messages: Message[]
}

export interface LintReport {
  findings: Finding[]
  unreadable: Unreadable[]
  /** Namespaces of pods that are not in the files; taken as opted in. */
  assumedNamespaces: string[]
}

export interface LintOptions {
  config: ClusterConfig
  /** Of objects that name none. */
  namespace: string
}

/**
 * What the webhook would do with the pods of these objects, by its own code, and what is written where it counts for
 * nothing. Objects that startgate does not read are left out.
 */
export function lint({ found, unreadable }: Objects, { config, namespace }: LintOptions): LintReport {
  const namespaces = namespacesIn(found, namespace)
  const settings = offlineSettings(config)
  const assumed = new Set<string>()
  const findings = found.flatMap(object => {
    const own = object.namespace ?? namespace
    const made = podOf(object, own)
    if (made && !namespaces.isInFiles(own)) assumed.add(own)
    const finding = findingOf(object, made && { made, namespace: own, settings, namespaces })
    return finding ? [finding] : []
  })
  return { findings, unreadable, assumedNamespaces: [...assumed].sort() }
}

/** As the webhook has them, but for what only a cluster knows, which no verdict depends on. */
export function offlineSettings(config: ClusterConfig): InjectSettings {
  return injectSettings(config, { address: 'ADDRESS-OF-THE-LEASE-SERVICE:443', ca: 'CERTIFICATES OF THE CLUSTER\n' })
}

interface Subject {
  made: TemplatePod
  namespace: string
  settings: InjectSettings
  namespaces: Namespaces
}

/** The webhook's verdict on a pod; undefined for what it could not read. No node is known to have an image. */
export function outcomeOf({ made, namespace, settings, namespaces }: Subject): Outcome | undefined {
  const facts = { settings, namespace: namespaces.factsOf(namespace), everywhereFor: () => () => false }
  return made.pod && mutate(made.pod, namespace, facts)
}

function findingOf(object: FoundObject, subject: Subject | undefined): Finding | undefined {
  const { file, document, line, kind, name } = object
  const own = objectWarnings(object).map(
    ({ sentence, path }): Message => ({ level: 'warning', sentence, line: object.lineOf(path) }),
  )
  const finding = { file, document, line, kind, name, namespace: subject?.namespace ?? object.namespace }
  if (!subject)
    return own.length > 0 || kind === 'Namespace' ? { ...finding, verdict: 'read', messages: own } : undefined
  const { verdict, messages } = judged(outcomeOf(subject), object, subject.made)
  return { ...finding, verdict, messages: [...messages, ...own] }
}

const UNREADABLE = 'is left alone and most likely refused by the API server'

function judged(
  outcome: Outcome | undefined,
  object: FoundObject,
  { raw, path }: TemplatePod,
): Pick<Finding, 'verdict' | 'messages'> {
  const here = (level: Message['level'], sentence: string): Message => ({
    level,
    sentence,
    line: lineFor(sentence, object, path),
  })
  switch (outcome?.kind) {
    case undefined:
      return { verdict: 'ungated', messages: [here('warning', `${UNREADABLE}: ${podFault(raw) ?? ''}`)] }
    case 'denied':
      return { verdict: 'denied', messages: outcome.problems.map(problem => here('denied', problem)) }
    case 'unchanged':
      return { verdict: 'ungated', messages: [here('warning', outcome.sentence)] }
    case 'skipped':
      return {
        verdict: 'skipped',
        messages: outcome.reasons.map(reason => here('skipped', `${reason}: ${skipSentence(reason)}`)),
      }
    case 'patched':
      return {
        verdict: 'gated',
        messages: outcome.warnings.map(warning => here('warning', warning.replace(/^startgate: /, ''))),
      }
  }
}

/** A problem begins with the annotation that it is about. */
function lineFor(sentence: string, object: FoundObject, path: string[]): number {
  const [, annotation] = /^(startgate\.dev\/[a-z-]+)\b/.exec(sentence) ?? []
  return object.lineOf(annotation === undefined ? path : [...path, 'metadata', 'annotations', annotation])
}
