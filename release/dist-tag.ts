import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { isAbove, isPrerelease } from './version.ts'

/** The npm package's name, as in dist/kubectl-startgate/package.json. */
const NPM_NAME = 'kubectl-startgate'

/**
 * Under which tag npm publishes a version. `latest` is what `npm install` takes, so it never goes back: a repair of an
 * older line gets a tag of that line. `published` is npm's `latest` of now; undefined before the first release.
 */
export function distTag(version: string, published: string | undefined): string {
  if (isPrerelease(version)) return 'next'
  if (published === undefined || isAbove(version, published)) return 'latest'
  // npm refuses a tag that could be a version, like `1.2` or `v1.2`.
  return `release-${version.split('.').slice(0, 2).join('.')}`
}

/** npm's `latest` of the package; undefined where npm has no such package. Throws when npm cannot be asked. */
export async function publishedLatest(name: string = NPM_NAME, npm = 'npm'): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(npm, ['view', name, 'dist-tags', '--json']).catch(cause => {
    if (codeOf(String(cause.stdout ?? '')) === 'E404') return { stdout: '{}' }
    throw new Error(`npm cannot say which version of ${name} is the latest; run the job again`, { cause })
  })
  return (JSON.parse(stdout) as { latest?: string }).latest
}

/** Of what `npm view --json` writes when it fails. */
function codeOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { code?: string } }).error?.code
  } catch {
    return undefined
  }
}
