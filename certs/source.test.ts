import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { startCertificateSource } from './source.ts'
import { FakeCluster, stockedKeys } from './testing/fake-cluster.ts'
import { createCaCertificate, createServingCertificate } from './x509.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const keys = stockedKeys(2)
const times = { notBeforeMs: NOW_MS - 1_000, notAfterMs: NOW_MS + 90_000 }

/** What cert-manager writes into a Secret of type kubernetes.io/tls: these three keys and no more. */
async function issued(serial: number) {
  const [caKeyPem, keyPem] = [await keys.newKeyPem(), await keys.newKeyPem()]
  const bytes = Buffer.alloc(8, serial)
  const certPem = createCaCertificate({ keyPem: caKeyPem, subject: 'startgate CA', serial: bytes, ...times })
  const ca = { certPem, keyPem: caKeyPem }
  const serving = createServingCertificate({ keyPem, ca, dnsNames: ['a.svc'], subject: 's', serial: bytes, ...times })
  return { 'ca.crt': certPem, 'tls.crt': serving, 'tls.key': keyPem }
}

function follow(cluster: FakeCluster) {
  const said: string[] = []
  const titles: string[] = []
  const write = (line: string) => {
    const { problem, msg } = JSON.parse(line)
    said.push(problem)
    titles.push(msg)
  }
  const log = pino({ level: 'warn' }, { write })
  const source = startCertificateSource({ secret: cluster, maker: 'cert-manager', log, intervalMs: 2 ** 31 - 1 })
  onTestFinished(() => source.stop())
  return { source, said, titles }
}

test('a Secret that cert-manager writes is served, and served anew when it changes', async () => {
  const cluster = new FakeCluster()
  const { source, said, titles } = follow(cluster)
  await source.poke()
  expect([source.current(), source.expiries()]).toEqual([undefined, undefined])
  const [first, second] = [await issued(1), await issued(2)]
  await cluster.create(first)
  await source.poke()
  expect(source.current()).toEqual({
    certPem: first['tls.crt'],
    keyPem: first['tls.key'],
    caBundlePem: first['ca.crt'],
  })
  expect(source.expiries()).toEqual({ servingMs: times.notAfterMs })
  cluster.edit(data => Object.assign(data, second))
  await source.poke()
  expect(source.current()).toMatchObject({ certPem: second['tls.crt'], caBundlePem: second['ca.crt'] })
  expect(said).toEqual(['the Secret startgate-system/certificates does not exist: cert-manager makes it when it runs'])
  expect(titles).toEqual(['there is no serving certificate yet'])
})

test('without the CA that gates must believe, the last good certificate stays, and what is missing is said', async () => {
  const cluster = new FakeCluster()
  const { source, said, titles } = follow(cluster)
  const first = await issued(1)
  await cluster.create(first)
  await source.poke()
  said.length = 0
  titles.length = 0
  const { 'ca.crt': _, ...withoutCa } = await issued(2)
  cluster.edit(data => Object.assign(data, { 'ca.crt': '', ...withoutCa }))
  await source.poke()
  expect(source.current()?.certPem).toBe(first['tls.crt'])
  expect(said).toEqual([
    'the Secret startgate-system/certificates holds no certificate with its key and its CA (tls.crt, tls.key, ca.crt): cert-manager must repair it',
  ])
  expect(titles).toEqual(['cannot take the new serving certificate; the one before is served on'])
})
