import { type Document, isMap, isSeq, LineCounter, type Node, parseAllDocuments, type YAMLMap } from 'yaml'
import { cut, messageOf } from '../../core/errors.ts'
import { isObject } from '../../core/is-object.ts'
import { hasCycle } from './cycle.ts'
import type { Source } from './source-files.ts'

/** Where something stands. Documents of a file are counted from 1, as are lines. */
export interface Place {
  file: string
  document: number
  line: number
}

/** One Kubernetes object of a file; those of a List one by one. */
export interface FoundObject extends Place {
  kind: string
  name: string
  /** As written; undefined where it is not. */
  namespace: string | undefined
  object: Record<string, unknown>
  /** The line of a field, where it can be found, else the object's own. */
  lineOf(path: readonly string[]): number
}

/** A document that is no Kubernetes object; `sentence` says why. */
export interface Unreadable extends Place {
  sentence: string
}

export interface Objects {
  found: FoundObject[]
  unreadable: Unreadable[]
}

/** In all files together. */
export const MOST_OBJECTS = 20_000

/** Reads the objects of manifests, in order. What is no object is a sentence, never an error. */
export function objectsIn(sources: readonly Source[]): Objects {
  const objects: Objects = { found: [], unreadable: [] }
  for (const source of sources) {
    readInto(objects, source)
    if (objects.found.length > MOST_OBJECTS) break
  }
  return objects
}

function readInto(objects: Objects, { file, text }: Source): void {
  const lines = new LineCounter()
  let document = 0
  try {
    // Without uniqueKeys, which compares each key with each.
    const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, logLevel: 'silent' })
    if (!Array.isArray(parsed)) return
    for (const one of parsed) {
      document += 1
      const place = { file, document, line: lineAt(lines, startOf(one.contents) ?? one.range?.[0] ?? 0) }
      readDocument(objects, one as Document.Parsed, { place, lines })
    }
  } catch (error) {
    // The parser calls itself for each level: what is nested ten thousand deep overflows its stack.
    const sentence = error instanceof RangeError ? 'it is nested too deeply' : cut(messageOf(error), 200)
    objects.unreadable.push({ file, document: document || 1, line: 1, sentence: `is not readable YAML: ${sentence}` })
  }
}

interface Reading {
  place: Place
  lines: LineCounter
}

function readDocument(objects: Objects, document: Document.Parsed, { place, lines }: Reading): void {
  const [error] = document.errors
  if (error) {
    const line = lineAt(lines, error.pos[0])
    const why = /call stack/.test(error.message)
      ? 'it is nested too deeply'
      : cut((error.message.split('\n')[0] ?? '').replace(/ at line \d+.*$/, ''), 200)
    objects.unreadable.push({ ...place, line, sentence: `is not valid YAML: ${why}` })
    return
  }
  const value: unknown = document.contents === null ? null : document.toJS()
  if (hasCycle(value)) {
    objects.unreadable.push({ ...place, sentence: 'is not readable YAML: an alias stands inside its own anchor' })
    return
  }
  // Nothing but comments, or `null`.
  if (value === null) return
  if (isList(value)) readItems(objects, value.items, { document, place, lines })
  else add(objects, value, { node: document.contents, place, lines })
}

function readItems(
  objects: Objects,
  items: unknown[],
  { document, place, lines }: Reading & { document: Document.Parsed },
): void {
  const nodes = isMap(document.contents) ? document.contents.get('items', true) : undefined
  for (const [index, item] of items.entries()) {
    const node = isSeq(nodes) ? (nodes.items[index] as Node | undefined) : undefined
    const line = lineAt(lines, startOf(node) ?? 0)
    add(objects, item, { node, place: node ? { ...place, line } : place, lines })
    if (objects.found.length > MOST_OBJECTS) return
  }
}

/** `List`, `PodList`, `DeploymentList` …: a kind that ends so and has items. */
function isList(value: unknown): value is { items: unknown[] } {
  return isObject(value) && typeof value.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items)
}

function add(objects: Objects, value: unknown, { node, place, lines }: Reading & { node: Node | null | undefined }) {
  const sentence = problemOf(value)
  if (sentence !== undefined || !isObject(value)) {
    objects.unreadable.push({ ...place, sentence: sentence ?? '' })
    return
  }
  const metadata = isObject(value.metadata) ? value.metadata : {}
  objects.found.push({
    ...place,
    kind: String(value.kind),
    name: textOf(metadata.name) ?? textOf(metadata.generateName) ?? '(no name)',
    namespace: textOf(metadata.namespace),
    object: value,
    lineOf: path => {
      const start = isMap(node) ? keyStart(node, path) : undefined
      return start === undefined ? place.line : lineAt(lines, start)
    },
  })
}

function problemOf(value: unknown): string | undefined {
  if (!isObject(value)) return `is not a Kubernetes object: it is ${Array.isArray(value) ? 'a list' : 'a bare value'}`
  const missing = ['apiVersion', 'kind'].filter(field => typeof value[field] !== 'string' || value[field] === '')
  if (missing.length === 0) return undefined
  return `is not a Kubernetes object: it has no ${missing.join(' and no ')}`
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0]
}

/** Where the key of a field begins. */
function keyStart(map: YAMLMap, path: readonly string[]): number | undefined {
  let at: unknown = map
  let start: number | undefined
  for (const key of path) {
    if (!isMap(at)) return start
    const pair = at.items.find(({ key: node }) => String(node) === key)
    if (!pair) return start
    start = startOf(pair.key as Node)
    at = pair.value
  }
  return start
}

function lineAt(lines: LineCounter, offset: number): number {
  return Math.max(1, lines.linePos(offset).line)
}
