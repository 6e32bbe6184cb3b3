import { type NamespaceSettings, parseNamespaceAnnotations } from '../../core/annotations.ts'
import { cut } from '../../core/errors.ts'
import { INJECTION_LABEL } from '../../core/names.ts'
import type { Namespace } from '../../core/pod.ts'
import type { CheckFacts } from './facts.ts'
import { bad, judged, type Line, ok, warning } from './line.ts'

/** Lines about namespaces at most: the rest is counted. */
const MOST_LINES = 20

/** Which namespaces are opted in, and what is wrong with their annotations, by the parser that counts. */
export function judgeNamespaces(facts: CheckFacts): Line[] {
  return judged(facts.namespaces, {
    id: 'namespaces',
    what: 'namespaces',
    absent: () => [],
    known: namespaces => {
      const lines = namespaces.flatMap(namespace => judgeNamespace(namespace, facts))
      const more = lines.length - MOST_LINES
      return [
        judgeAny(optedIn(namespaces)),
        ...lines.slice(0, MOST_LINES),
        ...(more > 0 ? [warning('namespaces-more', `${more} more about namespaces`, 'ask for one with -n')] : []),
      ]
    },
  })
}

/** Whether the cluster is frozen, which startgate's own namespace says. What may not be read is not told of. */
export function judgeFreeze({ ownNamespace }: CheckFacts): Line[] {
  if (ownNamespace.kind !== 'known') return []
  const { frozen } = parseNamespaceAnnotations(ownNamespace.value.metadata.annotations).settings
  if (frozen === undefined) return []
  return [
    warning(
      'cluster-frozen',
      `the cluster is frozen, nothing starts: by ${frozen}`,
      'kubectl startgate resume --cluster',
    ),
  ]
}

/** Those whose pods the webhook is asked about. */
export function optedIn(namespaces: readonly Namespace[]): Namespace[] {
  return namespaces.filter(({ metadata }) => metadata.labels?.[INJECTION_LABEL] === 'enabled')
}

function judgeAny(namespaces: readonly Namespace[]): Line {
  const names = namespaces.map(({ metadata }) => metadata.name ?? '')
  if (names.length === 0)
    return warning(
      'namespaces',
      'no namespace is opted in, so no pod is gated',
      `kubectl label namespace NAME ${INJECTION_LABEL}=enabled`,
    )
  const shown = names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`
  return ok('namespaces', `opted in: ${shown}`)
}

function judgeNamespace({ metadata }: Namespace, { config }: CheckFacts): Line[] {
  const name = metadata.name ?? ''
  const label = metadata.labels?.[INJECTION_LABEL]
  if (label !== 'enabled') {
    if (label === 'disabled') return []
    const sentence = `namespace ${name}: ${INJECTION_LABEL}: ${JSON.stringify(cut(label ?? ''))} does not opt it in`
    return [
      warning('namespace-label', sentence, `kubectl label --overwrite namespace ${name} ${INJECTION_LABEL}=enabled`),
    ]
  }
  const { problems, settings } = parseNamespaceAnnotations(metadata.annotations)
  return [
    ...problems.map(({ message }) =>
      bad(
        'namespace-annotation',
        `namespace ${name}: ${message}`,
        'write the annotation as said; until then the last good value counts, or none',
      ),
    ),
    ...judgeSkipped(name, config),
    ...permissionLines(name, settings, config),
    ...stoppedLines(name, settings),
  ]
}

/** What lets nothing start, or lets all. */
function stoppedLines(name: string, settings: NamespaceSettings): Line[] {
  return [
    ...(settings.frozen !== undefined
      ? [
          warning(
            'namespace-frozen',
            `namespace ${name} is frozen by ${settings.frozen}`,
            `kubectl startgate resume -n ${name}`,
          ),
        ]
      : []),
    ...(settings.maxStarting === 0 || settings.maxPulling === 0
      ? [
          warning(
            'namespace-frozen',
            `namespace ${name} is frozen: a limit of 0 lets nothing start`,
            thaw(name, settings),
          ),
        ]
      : []),
    ...(settings.mode === 'off'
      ? [
          warning(
            'namespace-off',
            `namespace ${name} has the mode off: its pods are not gated`,
            `kubectl annotate namespace ${name} startgate.dev/mode-`,
          ),
        ]
      : []),
  ]
}

function thaw(name: string, { maxStarting }: { maxStarting?: number }): string {
  return `kubectl annotate namespace ${name} startgate.dev/${maxStarting === 0 ? 'max-starting' : 'max-pulling'}-`
}

/** A namespace that the chart or startgate itself never gates. */
function judgeSkipped(name: string, config: CheckFacts['config']): Line[] {
  const listed = config.kind === 'known' && config.value.skippedNamespaces.includes(name)
  if (!name.startsWith('kube-') && !listed) return []
  const remedy = `kubectl label namespace ${name} ${INJECTION_LABEL}-, or take it off the chart's skippedNamespaces`
  return [warning('namespace-skipped', `namespace ${name} is labelled, and is one of those never gated`, remedy)]
}

/** Annotations that count only where the chart allows them. */
function permissionLines(name: string, settings: NamespaceSettings, config: CheckFacts['config']): Line[] {
  if (config.kind !== 'known') return []
  const { allowFloor, allowWeight } = config.value.limits
  const needs = [
    [settings.minStartRate !== undefined && !allowFloor, 'min-start-rate', 'allowFloor'],
    [settings.maxWaitMs !== undefined && !allowFloor, 'max-wait', 'allowFloor'],
    [settings.weight !== undefined && !allowWeight, 'weight', 'allowWeight'],
  ] as const
  return needs.flatMap(([missing, key, permission]) =>
    missing
      ? [
          warning(
            'namespace-permission',
            `namespace ${name}: startgate.dev/${key} counts for nothing in this cluster`,
            `set the chart value limits.${permission}, or take the annotation away`,
          ),
        ]
      : [],
  )
}
