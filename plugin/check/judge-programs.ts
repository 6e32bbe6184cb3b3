import type { Pod } from '../../core/pod.ts'
import { skewOf } from '../../core/version.ts'
import { type CheckFacts, type Deployment, PROGRAMS, type ProgramFacts, type ProgramName } from './facts.ts'
import { bad, judged, type Line, ok, shownSpan, unknown, warning } from './line.ts'

/** Both programs: their Deployments, endpoints, versions and certificates. */
export function judgePrograms(facts: CheckFacts): Line[] {
  return PROGRAMS.flatMap(name => judgeProgram(name, facts.programs[name], facts))
}

function judgeProgram(name: ProgramName, program: ProgramFacts, facts: CheckFacts): Line[] {
  return [
    ...judgeDeployment(name, program, facts),
    ...judgeEndpoints(name, program, facts),
    ...judgeCertificate(name, program, facts),
  ]
}

function judgeDeployment(name: ProgramName, { deployment, pods }: ProgramFacts, facts: CheckFacts): Line[] {
  const { startgateNamespace: namespace } = facts
  return judged(deployment, {
    id: `${name}-deployment`,
    what: `the Deployment startgate-${name}`,
    absent: () => [
      bad(
        `${name}-deployment`,
        `there is no Deployment startgate-${name} in namespace ${namespace}`,
        'helm upgrade startgate CHART',
      ),
    ],
    known: found => [
      judgeAvailable(name, found, { pods: pods.kind === 'known' ? pods.value : [], namespace }),
      judgeVersion(name, found, facts.pluginVersion),
    ],
  })
}

function judgeAvailable(
  name: ProgramName,
  { spec, status }: Deployment,
  { pods, namespace }: { pods: Pod[]; namespace: string },
): Line {
  const [wanted, available] = [spec?.replicas ?? 1, status?.availableReplicas ?? 0]
  const id = `${name}-deployment`
  if (wanted > 0 && available >= wanted) return ok(id, `${name}: ${available} of ${wanted} replicas are available`)
  const why = pods.flatMap(pod => troubleOf(pod) ?? [])[0]
  const sentence = `${name}: ${available} of ${wanted} replicas are available${why ? ` (${why})` : ''}`
  const remedy = `kubectl describe pods -n ${namespace} -l app.kubernetes.io/component=${name}`
  return available === 0 ? bad(id, sentence, remedy) : warning(id, sentence, remedy)
}

/** Why a pod does not run, as its containers say: `ImagePullBackOff: …`, `CrashLoopBackOff: …`. */
export function troubleOf({ metadata, status }: Pod): string | undefined {
  const troubled = (status?.containerStatuses ?? []).find(({ state }) => state?.waiting?.reason)
  const waiting = troubled?.state?.waiting
  if (!waiting || waiting.reason === 'ContainerCreating' || waiting.reason === 'PodInitializing') return undefined
  // What a program has said at its end tells more than that it is started again later.
  const message = lastWords(troubled?.lastState?.terminated?.message) || waiting.message
  return `pod ${metadata.name}: ${waiting.reason}${message ? `: ${message.slice(0, 160)}` : ''}`
}

/** Of the end of a log, the last line's message. */
function lastWords(log = ''): string {
  const line = log.trimEnd().split('\n').at(-1) ?? ''
  try {
    const { msg } = JSON.parse(line) as { msg?: unknown }
    return typeof msg === 'string' ? msg : line
  } catch {
    return line
  }
}

function judgeVersion(name: ProgramName, { metadata, spec }: Deployment, own: string): Line {
  const version = metadata.labels?.['app.kubernetes.io/version']
  const image = spec?.template?.spec?.containers?.[0]?.image ?? 'no image'
  const id = `${name}-version`
  const sentence = `${name} is ${version ?? 'of no known version'} (${image}), this plugin ${own}`
  switch (skewOf(version, own)) {
    case 'same':
      return ok(id, sentence)
    case 'older':
      return warning(id, sentence, 'upgrade startgate, or use the plugin of its version')
    case 'newer':
      return warning(id, sentence, 'use a newer plugin: npm install --global kubectl-startgate')
  }
}

function judgeEndpoints(name: ProgramName, { endpoints }: ProgramFacts, { startgateNamespace }: CheckFacts): Line[] {
  const id = `${name}-endpoints`
  const none = (): Line[] => [
    bad(
      id,
      `the Service startgate-${name} has no ready endpoint, so ${name === 'webhook' ? 'API servers reach no webhook' : 'gates reach no lease service'}`,
      `kubectl get pods,endpointslices -n ${startgateNamespace} -l app.kubernetes.io/component=${name}`,
    ),
  ]
  return judged(endpoints, {
    id,
    what: `the endpoints of Service startgate-${name}`,
    absent: none,
    known: found => {
      const ready = found.filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses }) => addresses)
      return ready.length > 0 ? [ok(id, `Service startgate-${name} has ${ready.length} ready endpoints`)] : none()
    },
  })
}

/** Serving certificates live for days and are renewed at a third of that. */
const SOON_MS = 86_400_000

function judgeCertificate(name: ProgramName, { certificate }: ProgramFacts, facts: CheckFacts): Line[] {
  const id = `${name}-certificate`
  if (certificate.kind === 'absent') return []
  if (certificate.kind === 'unknown') return [unknown(id, `the certificate that ${name} serves`, certificate)]
  const { notAfterMs, problem } = certificate.value
  const log = `kubectl logs -n ${facts.startgateNamespace} deployment/startgate-${name}`
  const leftMs = notAfterMs - facts.nowMs
  if (leftMs <= 0) return [bad(id, `the certificate that ${name} serves expired ${shownSpan(leftMs)} ago`, log)]
  if (problem !== undefined)
    return [bad(id, `the certificate that ${name} serves is not trusted by the webhook's caBundle: ${problem}`, log)]
  const sentence = `${name} serves a certificate that the caBundle verifies, good for ${shownSpan(leftMs)}`
  return [leftMs < SOON_MS ? warning(id, sentence, log) : ok(id, sentence)]
}
