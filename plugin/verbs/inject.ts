import type { Command } from 'commander'
import type { Injected } from '../lint/inject.ts'
import type { Finish } from '../model/exit-codes.ts'
import { EXIT } from '../model/exit-codes.ts'
import type { Io } from '../model/io.ts'
import { printable } from '../output/paint.ts'
import { structured } from '../output/structured.ts'
import { addManifestOptions, readManifests } from './manifest-options.ts'

export function addInject(program: Command, io: Io, finish: Finish): void {
  const command = program
    .command('inject')
    .description('print the pods of manifests as they would be, offline (not for applying: the cluster does that)')
  addManifestOptions(command).action(async (options, self: Command) => {
    const { injected } = await import('../lint/inject.ts')
    const { objects, config, namespace, format } = await readManifests(options, self, io)
    const results = injected(objects, { config, namespace })
    if (format === 'json') io.out(structured({ apiVersion: 'v1', kind: 'List', items: podsOf(results) }, format))
    else io.out(results.map(documentOf).join('---\n'))
    for (const { file, line, sentence } of objects.unreadable) io.err(`${printable(`${file}:${line}: ${sentence}`)}\n`)
    const denied = results.filter(({ outcome }) => outcome === 'denied')
    for (const { file, line, sentences } of denied)
      for (const sentence of sentences) io.err(`${printable(`${file}:${line}: denied: ${sentence}`)}\n`)
    if (denied.length > 0) finish(EXIT.found)
    else if (objects.unreadable.length > 0) finish(EXIT.usage)
  })
}

const podsOf = (results: readonly Injected[]): unknown[] => results.flatMap(({ pod }) => pod ?? [])

/** Comments first: where it is from and what was said of it. */
function documentOf({ file, line, kind, name, outcome, sentences, pod }: Injected): string {
  const comments = [`${kind} ${name} of ${file}:${line}: ${outcome}`, ...sentences]
  const heading = comments.map(comment => `# ${printable(comment)}\n`).join('')
  return heading + (pod === undefined ? '' : structured(pod, 'yaml'))
}
