import { beforeAll, describe, expect, test } from 'vitest'
import { render } from '../../charts/helm.ts'
import { fileOf, type PodMonitor, type ScrapedPod, scrapeConfigOf, secretKeysOf } from './scrape-config.ts'

const ARGS = ['--api-versions', 'monitoring.coreos.com/v1', '--set', 'monitoring.podMonitor.enabled=true']

async function monitorsOf(args: string[] = []): Promise<PodMonitor[]> {
  const manifests = await render([...ARGS, ...args])
  return manifests.filter(({ kind }) => kind === 'PodMonitor') as unknown as PodMonitor[]
}

describe('of a PodMonitor of the chart', () => {
  let monitor: PodMonitor
  beforeAll(async () => {
    ;[monitor] = (await monitorsOf()) as [PodMonitor]
  })

  test('Prometheus verifies the certificate by the CA in the Secret, and shows the token of the account', () => {
    expect(scrapeConfigOf(monitor, [], '/secrets')).toMatchObject({
      scheme: 'https',
      honor_labels: true,
      tls_config: {
        server_name: 'startgate-lease-service.startgate-system.svc',
        ca_file: '/secrets/startgate-certificates.ca.crt',
      },
      authorization: { type: 'Bearer', credentials_file: '/secrets/startgate-metrics-reader.token' },
    })
    expect(secretKeysOf(monitor).map(fileOf)).toEqual([
      'startgate-certificates.ca.crt',
      'startgate-metrics-reader.token',
    ])
  })

  test('the pods of its program that run are its targets, at their metrics port', () => {
    const labels = monitor.spec.selector.matchLabels
    const containers = [
      {
        name: 'lease-service',
        ports: [
          { name: 'https', containerPort: 8443 },
          { name: 'metrics', containerPort: 8444 },
        ],
      },
    ]
    const podOf = (name: string, own: Record<string, string>, phase = 'Running'): ScrapedPod => ({
      metadata: { name, labels: own },
      spec: { containers },
      status: { podIP: '10.0.0.1', phase },
    })
    const others = { ...labels, 'app.kubernetes.io/component': 'webhook' }
    const pods = [podOf('a', { ...labels, more: 'x' }), podOf('b', others), podOf('c', labels, 'Failed')]
    expect(scrapeConfigOf(monitor, pods, '/secrets')).toHaveProperty('static_configs', [
      {
        targets: ['10.0.0.1:8444'],
        labels: {
          namespace: 'startgate-system',
          container: 'lease-service',
          pod: 'a',
          endpoint: 'metrics',
          job: 'startgate-system/startgate-lease-service',
        },
      },
    ])
  })
})

test('where nobody is asked for a token none is shown', async () => {
  const [monitor] = (await monitorsOf(['--set', 'metrics.authorization=false'])) as [PodMonitor]
  expect(scrapeConfigOf(monitor, [], '/secrets')).not.toHaveProperty('authorization')
  expect(secretKeysOf(monitor).map(fileOf)).toEqual(['startgate-certificates.ca.crt'])
})
