import { expect, test } from 'vitest'
import { caBundlePatch, type WebhookConfiguration } from './ca-bundle.ts'

const configuration = (...bundles: (string | undefined)[]): WebhookConfiguration => ({
  metadata: { name: 'startgate', resourceVersion: '7' },
  webhooks: bundles.map((caBundle, index) => ({
    name: `w${index}`,
    clientConfig: caBundle === undefined ? {} : { caBundle },
  })),
})

test('every webhook that has another bundle or none gets it, if the configuration is still the one read', () => {
  expect(caBundlePatch(configuration('new', undefined, 'old'), 'new')).toEqual([
    { op: 'test', path: '/metadata/resourceVersion', value: '7' },
    { op: 'add', path: '/webhooks/1/clientConfig/caBundle', value: 'new' },
    { op: 'add', path: '/webhooks/2/clientConfig/caBundle', value: 'new' },
  ])
})

test('nothing is written when all have it, or there is no webhook', () => {
  expect(caBundlePatch(configuration('new', 'new'), 'new')).toEqual([])
  expect(caBundlePatch(configuration(), 'new')).toEqual([])
})
