import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import type { PodSpec } from '../core/pod.ts'

/** A rendered object, as far as the tests look into it. */
export interface Manifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  spec?: {
    replicas?: number
    template?: { metadata: Manifest['metadata']; spec: PodSpec }
    ports?: { port: number; targetPort: number }[]
  }
  data?: Record<string, string>
  rules?: PolicyRule[]
  roleRef?: { kind: string; name: string }
  subjects?: { kind: string; name: string; namespace?: string }[]
  webhooks?: Record<string, unknown>[]
}

export interface PolicyRule {
  apiGroups?: string[]
  resources?: string[]
  nonResourceURLs?: string[]
  resourceNames?: string[]
  verbs: string[]
}

export const CHART = join(import.meta.dirname, 'startgate')

const run = promisify(execFile)

/** The helm binary: $STARTGATE_HELM, else the one on PATH, else the one `npm run cluster:up` put into the cache. */
export function findHelm(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.STARTGATE_CACHE ?? join(env.HOME ?? homedir(), '.cache', 'startgate')
  const folders = [...(env.PATH ?? '').split(delimiter), join(cache, 'bin')]
  const found = [env.STARTGATE_HELM ?? [], folders.map(folder => join(folder, 'helm'))].flat().find(isExecutable)
  if (!found) throw new Error('no helm: put helm 3.18 or newer on PATH, or name it in STARTGATE_HELM')
  return found
}

/** Runs helm; rejects with what it wrote to stderr. */
export async function helm(args: string[]): Promise<string> {
  const { stdout } = await run(findHelm(), args, { maxBuffer: 16 * 1024 * 1024 })
  return stdout
}

/**
 * Renders the chart for namespace startgate-system. `args` as for `helm template`. Sorted, so that helm's order does
 * not matter.
 */
export async function render(args: string[] = [], chart = CHART): Promise<Manifest[]> {
  const text = await helm(['template', 'startgate', chart, '--namespace', 'startgate-system', ...args])
  const manifests = parseAllDocuments(text).flatMap(document => {
    const problem = document.errors[0]
    if (problem) throw problem
    const value: unknown = document.toJS()
    return value === null ? [] : [value as Manifest]
  })
  return manifests.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}

export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`
}

/** Every pod spec in the manifests, bare or in a template, by the name of its object. */
export function podSpecs(manifests: Manifest[]): [string, PodSpec][] {
  return manifests.flatMap(manifest => {
    if (manifest.kind === 'Pod') return [[nameOf(manifest), manifest.spec as unknown as PodSpec]]
    const spec = manifest.spec?.template?.spec
    return spec ? [[nameOf(manifest), spec]] : []
  })
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
