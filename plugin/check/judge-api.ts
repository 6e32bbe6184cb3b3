import type { CheckFacts } from './facts.ts'
import { bad, type Line, ok } from './line.ts'

/** The match conditions of the webhook are stable since then; the chart's kubeVersion says the same. */
const LEAST_MINOR = 30

/** Whether the API server answers, and is new enough. */
export function judgeApi({ api }: Pick<CheckFacts, 'api'>): Line[] {
  if (api.kind !== 'known') {
    const why = api.kind === 'absent' ? 'it does not tell its version' : api.problem
    const remedy =
      api.kind === 'unknown' && api.forbidden
        ? 'log in again: the credentials of the kubeconfig are not accepted (kubectl auth whoami)'
        : 'look whether `kubectl version` works with this kubeconfig and context'
    return [bad('api', `the API server cannot be asked: ${why}`, remedy)]
  }
  const { gitVersion, major, minor } = api.value
  const isOld = Number.parseInt(major, 10) === 1 && Number.parseInt(minor, 10) < LEAST_MINOR
  return [
    ok('api', 'the API server answers'),
    isOld
      ? bad('version', `Kubernetes is ${gitVersion}, which is too old`, `upgrade to 1.${LEAST_MINOR} or newer`)
      : ok('version', `Kubernetes is ${gitVersion}`),
  ]
}

/** What could not be asked for want of a right, in one line. */
export function judgeRights({ missingRights }: CheckFacts): Line[] {
  if (missingRights.length === 0) return [ok('rights', 'you may read all that this check reads')]
  const sentence = `you may not ${missingRights.join(', ')}: what depends on that is marked with ?`
  const remedy = 'ask for these rights, or have somebody run this check who has them'
  return [{ id: 'rights', verdict: 'unknown', sentence, remedy }]
}
