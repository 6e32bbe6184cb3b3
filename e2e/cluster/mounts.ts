import { existsSync, readFileSync } from 'node:fs'
import { succeeds } from './command.ts'

/** Mount points at or below the given folders, deepest first. `mountinfo` is the text of /proc/self/mountinfo. */
export function mountsBelow(folders: readonly string[], mountinfo: string): string[] {
  return mountinfo
    .split('\n')
    .map(line =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 8)),
      ),
    )
    .filter(point => folders.some(folder => point === folder || point.startsWith(`${folder}/`)))
    .sort((a, b) => b.length - a.length)
}

/** Unmounts what is left below our folders; lazily, since a dying process may still hold one. */
export async function unmountBelow(folders: readonly string[]): Promise<void> {
  if (!existsSync('/proc/self/mountinfo')) return
  for (const point of mountsBelow(folders, readFileSync('/proc/self/mountinfo', 'utf8'))) {
    if (!(await succeeds(['umount', point]))) await succeeds(['umount', '-l', point])
  }
}
