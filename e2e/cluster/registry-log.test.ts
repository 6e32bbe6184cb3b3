import { describe, expect, test } from 'vitest'
import { parseRegistryLog, peakConcurrency, pullIntervals, type RegistryRequest } from './registry-log.ts'

const line = (uri: string, ended: number, seconds: number, more: object = {}) =>
  JSON.stringify({ ended, seconds, method: 'GET', uri, client: '172.17.0.3', bytes: 10, status: 200, ...more })

const request = (startedAtMs: number, endedAtMs: number, more: Partial<RegistryRequest> = {}): RegistryRequest => ({
  startedAtMs,
  endedAtMs,
  method: 'GET',
  image: 'a',
  kind: 'blob',
  reference: 'sha256:1',
  clientIp: '10.0.0.1',
  bytes: 5,
  status: 200,
  ...more,
})

const manifest = (atMs: number): RegistryRequest => request(atMs, atMs + 2, { kind: 'manifest', reference: 'sha256:0' })

const lookup = (atMs: number): RegistryRequest =>
  request(atMs, atMs + 2, { kind: 'manifest', method: 'HEAD', reference: '1' })

describe('parseRegistryLog', () => {
  test('takes the start from the end and the duration, and sorts by start', () => {
    const text = [line('/v2/app/blobs/sha256:ab', 1000.5, 0.25), line('/v2/team/app/manifests/1', 1000.1, 0.05)].join(
      '\n',
    )
    expect(parseRegistryLog(text)).toEqual([
      expect.objectContaining({
        startedAtMs: 1_000_050,
        endedAtMs: 1_000_100,
        kind: 'manifest',
        image: 'team/app',
        reference: '1',
      }),
      expect.objectContaining({ startedAtMs: 1_000_250, endedAtMs: 1_000_500, kind: 'blob', reference: 'sha256:ab' }),
    ])
  })

  test('leaves out other requests, empty lines and a line half written', () => {
    expect(parseRegistryLog(`${line('/v2/', 1, 0)}\n\n{"ended":12`)).toEqual([])
  })

  test('does not take the query for a part of the reference', () => {
    const [parsed] = parseRegistryLog(line('/v2/app/manifests/1?ns=registry.test', 1, 0))
    expect(parsed?.reference).toBe('1')
  })
})

describe('pullIntervals', () => {
  const cases: Record<string, { log: RegistryRequest[]; want: [string, string, number, number][] }> = {
    'all blobs of one pull are one interval': {
      log: [lookup(0), manifest(5), request(10, 20), request(12, 90)],
      want: [['a', '10.0.0.1', 10, 90]],
    },
    'each node pulls for itself': {
      log: [request(0, 5), request(1, 7, { clientIp: '10.0.0.2' })],
      want: [
        ['a', '10.0.0.1', 0, 5],
        ['a', '10.0.0.2', 1, 7],
      ],
    },
    'downloading the manifest again begins another pull': {
      log: [lookup(0), manifest(5), request(10, 20), lookup(30), manifest(35), request(40, 50)],
      want: [
        ['a', '10.0.0.1', 10, 20],
        ['a', '10.0.0.1', 40, 50],
      ],
    },
    'downloading it while blobs come does not': {
      log: [lookup(0), manifest(5), request(10, 40), manifest(30), request(35, 50)],
      want: [['a', '10.0.0.1', 10, 50]],
    },
    'nor does another pod that asks for the tag between two blobs (seen)': {
      log: [lookup(0), manifest(5), request(10, 20), lookup(30), request(40, 50)],
      want: [['a', '10.0.0.1', 10, 50]],
    },
    'a manifest alone is no pull, nor is a failed or a HEAD request for a blob': {
      log: [lookup(0), manifest(1), request(5, 6, { status: 404 }), request(7, 8, { method: 'HEAD' })],
      want: [],
    },
  }

  test.each(Object.entries(cases))('%s', (_, { log, want }) => {
    const found = pullIntervals(log).map(({ image, clientIp, startMs, endMs }) => [image, clientIp, startMs, endMs])
    expect(found).toEqual(want)
  })

  test('adds up the bytes', () => {
    expect(pullIntervals([request(0, 1), request(1, 2)])[0]?.bytes).toBe(10)
  })
})

test('peakConcurrency counts pulls that overlap, not those that touch', () => {
  const pull = (startMs: number, endMs: number) => ({ image: 'a', clientIp: 'n', bytes: 0, startMs, endMs })
  expect(peakConcurrency([])).toBe(0)
  expect(peakConcurrency([pull(0, 10), pull(10, 20)])).toBe(1)
  expect(peakConcurrency([pull(0, 10), pull(5, 20), pull(6, 7), pull(8, 9)])).toBe(3)
})
