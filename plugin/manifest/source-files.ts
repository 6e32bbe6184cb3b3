import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { unusable } from '../model/failure.ts'
import type { Io } from '../model/io.ts'

/** A manifest as it was read. */
export interface Source {
  /** As given; `-` for standard input. */
  file: string
  text: string
}

const MEBIBYTE = 1024 * 1024
/** Of one file. The API server takes objects of 3 MiB. */
const MOST_BYTES = 8 * MEBIBYTE
const MOST_BYTES_IN_ALL = 64 * MEBIBYTE
const MOST_FILES = 2_000
const IS_MANIFEST = /\.(ya?ml|json)$/i

/**
 * Reads the files named, of folders and the folders in them all that end in .yaml, .yml or .json, and standard input
 * for `-`. Throws Failure for what cannot be read, and for too much of it.
 */
export async function readSources(paths: readonly string[], io: Pick<Io, 'readStdin'>): Promise<Source[]> {
  const sources: Source[] = []
  let bytes = 0
  for (const file of filesOf(paths)) {
    const content = file === '-' ? await io.readStdin(MOST_BYTES) : readFile(file)
    bytes += content.length
    if (bytes > MOST_BYTES_IN_ALL)
      throw unusable(`the files are longer than ${MOST_BYTES_IN_ALL / MEBIBYTE} MiB together; use fewer at a time`)
    sources.push({ file, text: content.toString('utf8') })
  }
  return sources
}

function filesOf(paths: readonly string[]): string[] {
  const files = [...new Set(paths)].flatMap(path => (path === '-' || !isFolder(path) ? [path] : manifestsIn(path)))
  if (files.length > MOST_FILES) throw tooManyFiles()
  return files
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    throw unusable(`${path} cannot be read: ${messageOf(error)}`)
  }
}

/** Links are not followed: a folder could be in itself. */
function manifestsIn(folder: string): string[] {
  const files: string[] = []
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name)
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && IS_MANIFEST.test(entry.name)) files.push(path)
    }
    if (files.length > MOST_FILES) throw tooManyFiles()
  }
  if (files.length === 0) throw unusable(`${folder} has no file that ends in .yaml, .yml or .json`)
  return files.sort()
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    throw unusable(`${folder} cannot be read: ${messageOf(error)}`)
  }
}

function readFile(file: string): Buffer {
  let size: number
  try {
    size = statSync(file).size
    if (size <= MOST_BYTES) return readFileSync(file)
  } catch (error) {
    throw unusable(`${file} cannot be read: ${messageOf(error)}`)
  }
  throw unusable(`${file} is longer than ${MOST_BYTES / MEBIBYTE} MiB; use smaller files`)
}

function tooManyFiles(): Error {
  return unusable(`there are more than ${MOST_FILES} files; use fewer at a time`)
}
