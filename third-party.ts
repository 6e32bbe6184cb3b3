import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Metafile } from 'esbuild'

/** What is read of a package's package.json. */
interface Manifest {
  name: string
  version: string
  license?: string
  author?: string | { name?: string; email?: string }
}

const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//
const LICENSE_FILE = /^(un)?licen[cs]e|^copying|^notice/i

/** In the image and from no npm package. Where their own licenses are, since their images bring or should bring them. */
const OTHERS = `The container image also contains, from its base images (see the Dockerfile):

Node.js, under the MIT license. Its license, with those of what it is made of, is the file LICENSE of its source:
https://github.com/nodejs/node; images made from Node's own have it as /usr/local/LICENSE.

BusyBox as /busybox, under GPL-2.0-only, linked with musl, under the MIT license. Sources: https://busybox.net/downloads
and https://musl.libc.org.
`

/** Folders of the packages of which there is at least a line in any of the bundles. */
export function packagesIn({ outputs }: Pick<Metafile, 'outputs'>): string[] {
  const inputs = Object.values(outputs).flatMap(output => Object.entries(output.inputs))
  const folders = inputs.flatMap(
    ([file, { bytesInOutput }]) => (bytesInOutput > 0 ? PACKAGE.exec(file)?.[1] : []) ?? [],
  )
  return [...new Set(folders)].sort()
}

/**
 * A notice for each package: what it is and its license, in full; `others` is said before. Throws for one without a
 * license to be found.
 */
export async function thirdPartyNotices(root: string, folders: readonly string[], others = OTHERS): Promise<string> {
  const notices = await Promise.all(folders.map(folder => noticeOf(join(root, folder))))
  return [others, ...notices].join(`\n${'-'.repeat(80)}\n\n`)
}

/** What a package is and its license, in full. */
export async function noticeOf(folder: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
  const files = (await readdir(folder)).filter(file => LICENSE_FILE.test(file)).sort()
  const texts = await Promise.all(files.map(file => readFile(join(folder, file), 'utf8')))
  const [text = standardText(manifest), ...more] = texts
  return `${[headingOf(manifest), text, ...more].map(part => part.trim()).join('\n\n')}\n`
}

/** The line that a package's notice begins with. */
export function headingOf({ name, version, license }: Manifest): string {
  return `${name} ${version} (${license ?? 'see below'})`
}

/** For the few packages that name their license and bring no file of it. */
function standardText({ name, license, author }: Manifest): string {
  const holder = typeof author === 'string' ? author : author?.name
  if (license !== 'MIT' || holder === undefined)
    throw new Error(`package ${name} has no license file: add its notice to third-party.ts, or do without the package`)
  return MIT(holder)
}

const MIT = (holder: string): string => `The MIT License (MIT)

Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.`
