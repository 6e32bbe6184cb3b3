import { expect, test } from 'vitest'
import { containsCertificates, decodeBundle, encodeBundle, leaseServiceData, splitPem } from './bundle.ts'

const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`
const [a, b] = [pem('AAAA'), pem('BBBB')]
const pair = { certPem: a, keyPem: 'key' }
const bundle = {
  trusted: [a, b],
  signing: pair,
  next: { ...pair, publishedAtMs: Date.UTC(2026, 0, 1) },
  serving: { certPem: b, keyPem: 'other' },
  leaseService: { certPem: a, keyPem: 'its own', trusted: [a] },
}

test('what is encoded is decoded', () => {
  expect(decodeBundle(encodeBundle(bundle))).toEqual(bundle)
})

test('what clients read is under the usual keys', () => {
  expect(encodeBundle(bundle)).toMatchObject({ 'ca.crt': a + b, 'tls.crt': b, 'tls.key': 'other' })
})

test("the lease service's Secret has the usual keys too, and nothing of the webhook's", () => {
  const data = encodeBundle({ ...bundle, leaseService: { ...bundle.leaseService, trusted: [a, b] } })
  expect(leaseServiceData(data)).toEqual({ 'ca.crt': a + b, 'tls.crt': a, 'tls.key': 'its own' })
})

test('an empty Secret and a bad stamp decode to nothing, not to an error', () => {
  expect(decodeBundle({ 'next-ca.published-at': 'yesterday' })).toEqual({
    trusted: [],
    signing: { certPem: '', keyPem: '' },
    next: { certPem: '', keyPem: '', publishedAtMs: 0 },
    serving: { certPem: '', keyPem: '' },
    leaseService: { certPem: '', keyPem: '', trusted: [] },
  })
})

test('comments and line ends around certificates do not matter', () => {
  const untidy = `# ours\r\n${b.replaceAll('\n', '\r\n')}\n\n${a}trailing`
  expect(splitPem(untidy)).toHaveLength(2)
  expect(containsCertificates(untidy, [a, b])).toBe(true)
  expect(containsCertificates(a, [b])).toBe(false)
})
