import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type Manifest, nameOf, render } from './helm.ts'
import { installManifest, NAMESPACE } from './install-manifest.ts'

const documentsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap(document => {
    if (document.errors[0]) throw document.errors[0]
    const value: unknown = document.toJS()
    return value === null ? [] : [value as Manifest]
  })

test('has the namespace first, and then what helm would install, without what only helm runs', async () => {
  const [namespace, ...rest] = documentsIn(await installManifest())
  expect(namespace).toEqual({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } })
  const installed = (await render()).filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === undefined)
  expect(rest.map(nameOf).sort()).toEqual(installed.map(nameOf).sort())
  expect(JSON.stringify(rest)).not.toContain('helm.sh/hook')
})

test('takes values as helm does, and tells what helm has against them', async () => {
  const text = await installManifest(['--set', 'image.repository=registry.example/startgate'])
  expect(text).toContain('image: registry.example/startgate:')
  await expect(installManifest(['--set', 'limit.x=1'])).rejects.toThrow(/additional properties 'limit' not allowed/)
})
