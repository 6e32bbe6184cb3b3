import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseNamespaceAnnotations } from '../../core/annotations.ts'
import type { Pod } from '../../core/pod.ts'
import { exampleNames, podIn, readExample } from '../../e2e/workloads/examples.ts'
import { mutate } from '../../webhook/mutate/mutate.ts'
import { FACTS, NAMESPACE } from '../../webhook/testing/facts.ts'

const DOCS = join(import.meta.dirname, '..')

test('the folder of examples holds manifests only, each of which a guide links to', () => {
  const files = readdirSync(join(DOCS, 'examples'))
  const guides = readdirSync(join(DOCS, 'guides')).map(file => readFileSync(join(DOCS, 'guides', file), 'utf8'))
  expect(files.length).toBeGreaterThan(0)
  expect(files.filter(file => !file.endsWith('.yaml'))).toEqual([])
  expect(files.filter(file => !guides.some(text => text.includes(`](../examples/${file})`)))).toEqual([])
})

describe.each(exampleNames())('docs/examples/%s.yaml', name => {
  const { namespace, objects } = readExample(name)
  const { settings, problems } = parseNamespaceAnnotations(namespace.metadata.annotations)

  test('has a namespace of its own, named for the file, that is opted in and has no bad annotation', () => {
    expect(namespace.metadata).toMatchObject({ name, labels: { 'startgate.dev/injection': 'enabled' } })
    expect(problems).toEqual([])
    expect(objects.map(({ metadata }) => metadata.namespace)).toEqual(objects.map(() => name))
  })

  test('the webhook gates every pod of it, without a warning', () => {
    const facts = { ...FACTS, namespace: { ...NAMESPACE, settings } }
    const outcomes = objects.map(object => {
      const { metadata, spec } = podIn(object)
      const pod = { metadata: { generateName: `${object.metadata.name}-`, ...metadata }, spec } as unknown as Pod
      return mutate(pod, name, facts)
    })
    expect(outcomes).toEqual(objects.map(() => expect.objectContaining({ kind: 'patched', warnings: [] })))
    for (const outcome of outcomes) expect(outcome.kind === 'patched' && outcome.operations.length).toBeGreaterThan(0)
  })
})
