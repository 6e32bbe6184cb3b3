import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A package.json that names its source, which npm compares with what the provenance says.
 * https://docs.npmjs.com/generating-provenance-statements
 */
export function withRepository(manifest: Record<string, unknown>, repository: string): Record<string, unknown> {
  if (!/^https:\/\/[^/]+\/[^/]+\/[^/]+$/.test(repository))
    throw new Error(`"${repository}" is not the address of a repository; use one like https://github.com/OWNER/NAME`)
  return {
    ...manifest,
    homepage: `${repository}#readme`,
    repository: { type: 'git', url: `git+${repository}.git` },
    publishConfig: { access: 'public', provenance: true },
  }
}

/** Makes the built npm package in a folder ready to be published from this repository. */
export async function preparePackage(folder: string, repository: string): Promise<void> {
  const file = join(folder, 'package.json')
  const manifest = withRepository(JSON.parse(await readFile(file, 'utf8')), repository)
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`)
}
