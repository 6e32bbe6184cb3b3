import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { VERSION } from '../core/version.ts'
import type { Versions } from './version.ts'

/** The root of this clone. */
export const ROOT = join(import.meta.dirname, '..')

/** What everything of one release is made from. */
export interface Commit {
  revision: string
  /** In seconds: the time of everything in image and archives, so that equal commits give equal bytes. */
  committedAt: number
}

export async function headCommit(root: string = ROOT): Promise<Commit> {
  const { stdout } = await promisify(execFile)('git', ['-C', root, 'log', '-1', '--format=%H %ct'])
  const [revision = '', seconds = ''] = stdout.trim().split(' ')
  return { revision, committedAt: Number(seconds) }
}

const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8')

/** Which version every place in the clone says. */
export async function versionsHere(): Promise<Versions> {
  const chart = parse(await read('charts/startgate/Chart.yaml'))
  return {
    'package.json': JSON.parse(await read('package.json')).version,
    'core/version.ts': VERSION,
    'Chart.yaml version': chart.version,
    'Chart.yaml appVersion': chart.appVersion,
  }
}

export const changelog = (): Promise<string> => read('CHANGELOG.md')

/** The Node.js that tests run on, and so that of the executables. */
export async function nodeVersion(): Promise<string> {
  return JSON.parse(await read('package.json')).devDependencies.node
}
