import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { Manifest } from '../harness/kubectl.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'examples')

/** One file of docs/examples: a namespace of its own, and what is in it. */
export interface Example {
  namespace: Manifest
  objects: Manifest[]
}

/** Names of all examples, which are their files' names without `.yaml`. */
export function exampleNames(): string[] {
  return readdirSync(FOLDER).map(file => file.replace(/\.yaml$/, ''))
}

/** Throws when the file is not valid YAML, or when its first object is not a Namespace. */
export function readExample(name: string): Example {
  const documents = parseAllDocuments(readFileSync(join(FOLDER, `${name}.yaml`), 'utf8'))
  for (const { errors } of documents) if (errors[0]) throw errors[0]
  const [namespace, ...objects] = documents.map(document => document.toJS() as Manifest)
  if (namespace?.kind !== 'Namespace') throw new Error(`docs/examples/${name}.yaml does not begin with its Namespace`)
  return { namespace, objects }
}

interface PodSpec {
  containers: { image: string }[]
}

/** The pod in a Pod, or the template of the pods that a workload makes. */
export function podIn(object: Manifest): { metadata?: Partial<Manifest['metadata']>; spec: PodSpec } {
  if (object.kind === 'Pod') return object as unknown as { metadata: Manifest['metadata']; spec: PodSpec }
  const { template } = object.spec as { template: { metadata?: object; spec: PodSpec } }
  return template
}
