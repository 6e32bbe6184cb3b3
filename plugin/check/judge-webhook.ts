import { X509Certificate } from 'node:crypto'
import type { WebhookConfiguration } from '../cluster/installation.ts'
import type { CheckFacts } from './facts.ts'
import { bad, judged, type Line, ok, shownSpan, warning } from './line.ts'

const DAY_MS = 86_400_000
/** Certificates are renewed long before: who has less left was not renewed. */
const SOON_MS = DAY_MS

/** Whether it is installed: the webhook configuration, and the CAs that API servers verify the webhook by. */
export function judgeWebhook({ webhook, nowMs, startgateNamespace }: CheckFacts): Line[] {
  return judged(webhook, {
    id: 'installed',
    what: 'the MutatingWebhookConfiguration startgate',
    absent: () => [
      bad(
        'installed',
        'startgate is not installed: there is no MutatingWebhookConfiguration startgate',
        'helm install startgate CHART --namespace startgate-system --create-namespace',
      ),
    ],
    known: configuration => [
      ok('installed', `startgate is installed in namespace ${startgateNamespace}`),
      ...judgeConfiguration(configuration, { nowMs, startgateNamespace }),
    ],
  })
}

type Context = Pick<CheckFacts, 'nowMs' | 'startgateNamespace'>

function judgeConfiguration({ webhooks = [] }: WebhookConfiguration, context: Context): Line[] {
  const [first] = webhooks
  if (!first)
    return [bad('webhook-configuration', 'the webhook configuration lists no webhook', 'helm upgrade startgate CHART')]
  const policy = first.failurePolicy ?? 'Fail'
  return [
    ok(
      'webhook-configuration',
      `failurePolicy is ${policy}: with the webhook down pods ${policy === 'Fail' ? 'are not created' : 'start ungated'}`,
    ),
    judgeBundle(first.clientConfig.caBundle, context),
  ]
}

function judgeBundle(caBundle: string | undefined, { nowMs, startgateNamespace }: Context): Line {
  const renew = `see the webhook's log: kubectl logs -n ${startgateNamespace} deployment/startgate-webhook`
  if (!caBundle)
    return bad('ca-bundle', 'the webhook configuration has no caBundle, so no API server trusts the webhook', renew)
  const pem = Buffer.from(caBundle, 'base64').toString('utf8')
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const untils = blocks.flatMap(block => validTo(block) ?? [])
  if (untils.length === 0 || untils.length < blocks.length)
    return bad('ca-bundle', 'the caBundle of the webhook configuration holds no valid PEM certificates', renew)
  const latestMs = Math.max(...untils.slice(0, 100))
  if (latestMs <= nowMs)
    return bad('ca-bundle', `the CAs in the caBundle have expired ${shownSpan(nowMs - latestMs)} ago`, renew)
  if (latestMs - nowMs < SOON_MS)
    return warning('ca-bundle', `the CAs in the caBundle expire in ${shownSpan(latestMs - nowMs)}`, renew)
  return ok(
    'ca-bundle',
    `caBundle: ${untils.length} CA${untils.length > 1 ? 's' : ''}, good for ${shownSpan(latestMs - nowMs)}`,
  )
}

function validTo(pem: string): number | undefined {
  try {
    return Date.parse(new X509Certificate(pem).validTo)
  } catch {
    return undefined
  }
}

/** Whether the webhook answered, by a pod that was only tried. */
export function judgeTrial({ trial }: CheckFacts): Line[] {
  if (!trial) return []
  return judged(trial, {
    id: 'webhook-answers',
    what: 'whether the webhook answers (a pod created by dry run)',
    absent: () => [],
    known: ({ namespace, gated, warnings }) => {
      if (gated) return [ok('webhook-answers', `the webhook answers: a pod tried in namespace ${namespace} gets gates`)]
      const said = warnings.find(text => text.startsWith('startgate'))
      return [
        bad(
          'webhook-answers',
          `a pod tried in namespace ${namespace} gets no gates${said ? ` (${said})` : ''}`,
          'open the way from API servers to the webhook (its port, 8443 by default), and see its log',
        ),
      ]
    },
  })
}
