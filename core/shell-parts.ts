import { PULL_GATE, RUN_MARKER_PATH } from './names.ts'

/**
 * The pull gate, first in every sequenced pod, leaves the number of this run of the init containers here
 * (gate/pod/shared-directory.ts).
 */
export const ATTEMPT_FILE = `${RUN_MARKER_PATH}-${PULL_GATE}`

/**
 * What the shells of a sequenced pod share: `$bb` is the busybox, `nap` sleeps and hears signals, and `attempt`
 * writes the number of this run, which the file `attempt` has.
 */
export function shellParts({ busybox, attempt }: { busybox: string; attempt: string }): string {
  return `\
bb=${busybox}
nap() { $bb sleep "$1" & wait $!; }
attempt() { n=1; read -r n <${attempt}; echo "\${n:-1}"; } 2>/dev/null
`
}
