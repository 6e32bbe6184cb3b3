import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { CHART, type Manifest, podSpecs, render } from '../charts/helm.ts'
import { installManifest } from '../charts/install-manifest.ts'
import { digestIn, packageChart, releasedValues } from './chart.ts'

const IMAGE = 'registry.example/owner/startgate'

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'release-chart-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  return dir
}

test('only the image of the values changes, and no comment goes', async () => {
  const values = await readFile(join(CHART, 'values.yaml'), 'utf8')
  const released = releasedValues(values, IMAGE)
  const changed = released.split('\n').filter((line, index) => line !== values.split('\n')[index])
  expect(changed).toEqual([`  repository: ${IMAGE}`])
  expect(released.split('\n')).toHaveLength(values.split('\n').length)
})

test('values without an image are refused', () => {
  expect(() => releasedValues('limits: {}\n', IMAGE)).toThrow('values.yaml has no image.repository')
})

test('the packaged chart installs the image of its own version', async () => {
  const archive = await packageChart({ version: '9.8.7-rc.1', imageRepository: IMAGE, into: await folder() })
  const { stdout } = await promisify(execFile)('tar', ['-xzOf', archive, 'startgate/Chart.yaml'])
  expect(parse(stdout)).toMatchObject({ version: '9.8.7-rc.1', appVersion: '9.8.7-rc.1' })
  const objects = await render([], archive)
  const images = podSpecs(objects).flatMap(([, { containers }]) => containers.map(({ image }) => image))
  expect(images.length).toBeGreaterThan(1)
  expect(new Set(images)).toEqual(new Set([`${IMAGE}:9.8.7-rc.1`]))
})

/** Kinds of the chart that are in no namespace. */
const CLUSTER_KINDS =
  /^(Namespace|ClusterRole|ClusterRoleBinding|\w+WebhookConfiguration|ValidatingAdmissionPolicy\w*)$/

test('in the manifest every object names its namespace, none is there twice, and nothing is only for helm', async () => {
  const objects = parseAllDocuments(await installManifest()).map(document => document.toJS() as Manifest)
  const without = objects.filter(({ kind, metadata }) => !CLUSTER_KINDS.test(kind) && metadata.namespace === undefined)
  expect(without).toEqual([])
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)
  expect(names).toEqual([...new Set(names)])
  expect(objects.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] !== undefined)).toEqual([])
})

test('the digest of a push is read from what helm says', () => {
  const digest = `sha256:${'0a'.repeat(32)}`
  expect(digestIn(`Pushed: registry.example/charts/startgate:0.1.0\nDigest: ${digest}\n`)).toBe(digest)
  expect(() => digestIn('Error: no\n')).toThrow('helm push says no digest: Error: no')
})
