import { describe, expect, test } from 'vitest'
import { allow, denied, parseReview, patched } from './review.ts'

const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'web', image: 'nginx' }] } }
const request = {
  uid: 'u-1',
  operation: 'CREATE',
  resource: { group: '', version: 'v1', resource: 'pods' },
  namespace: 'shop',
  object: pod,
}
const review = (changes: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { ...request, ...changes },
})

describe('parseReview', () => {
  const malformed: Record<string, { body: unknown; want: string }> = {
    'no object': { body: [review()], want: 'not a JSON object' },
    nothing: { body: undefined, want: 'not a JSON object' },
    'an old version': {
      body: { ...review(), apiVersion: 'admission.k8s.io/v1beta1' },
      want: 'admission.k8s.io/v1beta1',
    },
    'another kind': { body: { ...review(), kind: 'Pod' }, want: 'use AdmissionReview of admission.k8s.io/v1' },
    'no request': { body: { ...review(), request: null }, want: 'no request' },
    'no uid': { body: review({ uid: '' }), want: 'no uid' },
    'a uid that is no text': { body: review({ uid: 7 }), want: 'no uid' },
  }
  test.each(Object.entries(malformed))('%s is malformed, with a sentence', (_, { body, want }) => {
    expect(parseReview(body)).toEqual({ kind: 'malformed', sentence: expect.stringContaining(want) })
  })

  const others: Record<string, { changes: object; want: string; fault?: string }> = {
    'an update': { changes: { operation: 'UPDATE' }, want: 'NotAPodCreate' },
    'a deletion, which has no object': { changes: { operation: 'DELETE', object: null }, want: 'NotAPodCreate' },
    'a binding': { changes: { subResource: 'binding' }, want: 'NotAPodCreate' },
    'a deployment': {
      changes: { resource: { group: 'apps', version: 'v1', resource: 'deployments' } },
      want: 'NotAPodCreate',
    },
    'no resource': { changes: { resource: 'pods' }, want: 'NotAPodCreate' },
    'a pod without containers': {
      changes: { object: { metadata: {}, spec: {} } },
      want: 'UnreadablePod',
      fault: 'spec.containers is missing; use a list',
    },
    'a pod whose labels are no texts': {
      changes: { object: { ...pod, metadata: { labels: { a: 1 } } } },
      want: 'UnreadablePod',
      fault: 'metadata.labels["a"] is 1; use a string',
    },
    'a pod with nameless containers': {
      changes: { object: { metadata: {}, spec: { containers: [{}] } } },
      want: 'UnreadablePod',
      fault: 'spec.containers[0].name is missing; use a string',
    },
  }
  test.each(Object.entries(others))('%s is not ours to change', (_, { changes, want, fault }) => {
    expect(parseReview(review(changes))).toEqual({ kind: 'other', uid: 'u-1', reason: want, ...(fault && { fault }) })
  })

  test('a pod comes with the namespace of the request, a dry run like any other', () => {
    const want = { uid: 'u-1', namespace: 'shop', pod }
    expect(parseReview(review())).toEqual({ kind: 'pod', review: { ...want, isDryRun: false } })
    const dryRun = parseReview(review({ dryRun: true, subResource: '' }))
    expect(dryRun).toEqual({ kind: 'pod', review: { ...want, isDryRun: true } })
  })
})

describe('answers', () => {
  test('an empty patch is no patch, since patchType without one fails the call', () => {
    expect(patched('u', [])).toEqual(allow('u'))
  })

  test('a patch is base64 of JSON', () => {
    const operations = [{ op: 'remove' as const, path: '/spec/initContainers/0' }]
    const { response } = patched('u', operations, ['a warning'])
    expect(response).toMatchObject({ uid: 'u', allowed: true, patchType: 'JSONPatch', warnings: ['a warning'] })
    expect(JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString())).toEqual(operations)
  })

  test('a denial has all problems in one message', () => {
    expect(denied('u', ['one', 'two']).response).toEqual({
      uid: 'u',
      allowed: false,
      status: { code: 422, reason: 'Invalid', message: 'one; two' },
    })
  })

  test('warnings are cut to the length that client-go asks for', () => {
    expect(allow('u', ['x'.repeat(200)]).response.warnings).toEqual([`${'x'.repeat(119)}…`])
  })
})
