import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

/*
 * An export tells the reader that another file needs it. What nobody imports loses the word, or is dead. A type may be
 * exported without an importer: it names what an exported function takes or returns.
 */

const ROOT = join(import.meta.dirname, '..')
const PARTS = ['core', 'certs', 'webhook', 'gate', 'plugin', 'e2e', 'bench', 'charts', 'docs', 'release']

/** Also `import('./x.ts')` and `export … from './x.ts'`. */
const IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']+\.ts)'/g
const EXPORT = /^export (?:async |abstract )*(?:function\*?|class|const|let) (\w+)/gm

function sources(): Map<string, string> {
  const inParts = PARTS.flatMap(part =>
    readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' }).map(file => join(part, file)),
  )
  const files = [...readdirSync(ROOT), ...inParts].filter(file => file.endsWith('.ts'))
  return new Map(files.map(file => [file, readFileSync(join(ROOT, file), 'utf8')]))
}

/** Exports of which no file that imports theirs says the name, as `file: name`. */
function unusedExports(files: ReadonlyMap<string, string>): string[] {
  const wordsOfImporters = new Map<string, Set<string>>()
  for (const [file, text] of files) {
    const words = text.match(/\w+/g) ?? []
    for (const [, to = ''] of text.matchAll(IMPORT)) {
      const target = join(dirname(file), to)
      const known = wordsOfImporters.get(target) ?? new Set()
      wordsOfImporters.set(target, known)
      for (const word of words) known.add(word)
    }
  }
  return [...files].flatMap(([file, text]) =>
    [...text.matchAll(EXPORT)].flatMap(([, name = '']) =>
      wordsOfImporters.get(file)?.has(name) ? [] : [`${file}: ${name}`],
    ),
  )
}

test('every function, class and const that is exported is imported somewhere', () => {
  expect(unusedExports(sources())).toEqual([])
})

test('an export is unused where no file that imports its file says its name', () => {
  const files = new Map([
    ['a/one.ts', 'export const USED = 1\nexport async function alone(): Promise<void> {}\nexport class Late {}\n'],
    ['a/two.ts', "import { USED } from './one.ts'\nexport interface Shape {}\n"],
    ['b/three.ts', "const { Late } = await import('../a/one.ts')\n"],
    ['b/four.ts', 'alone()\n'],
  ])
  expect(unusedExports(files)).toEqual(['a/one.ts: alone'])
})
