import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import type { Platform } from '../model/platforms.ts'

/** `kubectl-startgate_linux_amd64.tar.gz`; Windows unpacks it too. */
export const archiveName = ({ os, arch }: Platform): string => `kubectl-startgate_${os}_${arch}.tar.gz`

/** The program in the archive: the name by which kubectl finds it. */
export const programName = ({ os }: Platform): string => `kubectl-startgate${os === 'windows' ? '.exe' : ''}`

/** Packs all of a folder; the same bytes for the same content. `committedAt` in seconds. */
export async function pack(folder: string, to: string, committedAt: number): Promise<void> {
  const same = ['--sort=name', '--numeric-owner', '--owner=0', '--group=0', `--mtime=@${committedAt}`, '--format=ustar']
  const modes = '--mode=u+rw,go=rX'
  await promisify(execFile)('tar', ['-C', folder, ...same, modes, '--use-compress-program=gzip -n', '-cf', to, '.'])
}

export async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
