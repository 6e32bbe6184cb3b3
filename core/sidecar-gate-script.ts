import { BUSYBOX_IN_IMAGE, FIFO_DIRECTORY, type GateName } from './names.ts'
import { ATTEMPT_FILE, shellParts } from './shell-parts.ts'

/** Where the two programs find things; tests put them elsewhere. */
const SIDECAR_GATE_PATHS = {
  busybox: BUSYBOX_IN_IMAGE,
  fifos: FIFO_DIRECTORY,
  /** The number of this run of the init containers, left by the pull gate. */
  attempt: ATTEMPT_FILE,
  terminationLog: '/dev/termination-log',
}

type Paths = typeof SIDECAR_GATE_PATHS

/**
 * A call of the probe lasts this long. It ends as a failure, of which the kubelet makes an Event, so not often; and it
 * ends by itself, since a runtime that kills a program at the probe's timeout may leave it behind.
 */
const PROBE_S = 3_600
/** Of the kubelet, with time to spare for a node that is busy. */
export const PROBE_TIMEOUT_S = 2 * PROBE_S
/** A gate that fails open stays for this long, so that the kubelet has seen that it has passed before it ends. */
const LAST_S = 3
/** sysexits.h, EX_TEMPFAIL. */
const LOST_PROBE = 75

/**
 * A gate that stays: the kubelet starts what comes after it when its startup probe has succeeded, which it hears at
 * once, and not when the gate has ended, for which it would look once a second (docs/decisions/0018).
 *
 * It passes when it has read the word `go`. It reads from its FIFO alone, as a file that others write: so it hears, by
 * the end of the file, that the probe is gone without a word. Then the kubelet has died, or the runtime. The next
 * kubelet would take a gate that runs, and has for ten seconds, for one whose probe had succeeded
 * (kubernetes#142305), so the gate ends, and the one that comes after it is probed anew. So it does when a second probe
 * is here: the first is left behind by a runtime that died, and would hide the end of the other. After `again`, which
 * a probe says whose time is over, the end is no loss. Once it has passed it is deaf to all that. It ends once more
 * when it failed open, to leave its word where the lease service reads it.
 */
function gateProgram(paths: Paths): string {
  return `\
trap 'exit 143' TERM INT
${preamble(paths)}until [ -p "$fifo" ]; do nap 1; done
run=$(attempt)
until [ -p "$fifo.word" ] || $bb mkfifo -m 600 "$fifo.word"; do nap 1; done
hold() {
  word=lost held=
  while read -r said verdict; do
    case "$said" in
      go) word=go; return ;;
      again) word=again held= ;;
      here) word=lost; [ -z "$held" ] || return; held=1 ;;
    esac
  done
}
wait_for_word() {
  until $bb touch "$fifo.here-$run"; do nap 1; done
  word=
  until [ "$word" = go ]; do
    word=closed
    hold <"$fifo"
    [ "$word" != closed ] || nap 1
    [ "$word" = lost ] || continue
    echo '{"level":40,"part":"gate","gate":"'"$0"'","msg":"the startup probe is gone: starting over"}'
    exit ${LOST_PROBE}
  done
}
stay() {
  trap 'exit 0' TERM INT
  until $bb touch "$fifo.passed-$run"; do nap 1; done
  printf 'go\\ngo\\ngo\\ngo\\n' >&4
  printf %s "$verdict" 2>/dev/null >${paths.terminationLog}
  case "$verdict" in *failed-open*) nap ${LAST_S}; exit 0 ;; esac
  while :; do read -r word <&3 || nap 1; done
}
pass() {
  verdict=
  [ -e "$fifo.passed-$run" ] || wait_for_word
  stay 3<>"$fifo"
}
while :; do pass 4<>"$fifo.word"; nap 1; done
`
}

/**
 * The startup probe of the same gate, in the same container: succeeds when the gate has passed, and waits for that
 * without looking. It tells the gate that it is here, and has the gate's FIFO open for writing, by whose end the gate
 * hears of its own.
 */
function probeProgram(paths: Paths, seconds: number): string {
  return `\
${preamble(paths)}run=$(attempt)
passed() { [ -e "$fifo.passed-$run" ]; }
watch() {
  echo here >&4
  until passed; do
    read -r -t ${seconds} word <&3 || { echo again >&4; break; }
  done
}
until passed || [ -p "$fifo.word" ]; do nap 1; done
passed || watch 3<>"$fifo.word" 4>"$fifo"
passed
`
}

function preamble(paths: Paths): string {
  return `${shellParts(paths)}fifo=${paths.fifos}/$0\n`
}

/** Command of a gate that stays. */
export function sidecarGateCommand(gate: GateName, paths: Paths = SIDECAR_GATE_PATHS): string[] {
  return [paths.busybox, 'sh', '-c', gateProgram(paths), gate]
}

/** What the kubelet runs in it as its startup probe. */
export function sidecarGateProbeCommand(
  gate: GateName,
  paths: Paths = SIDECAR_GATE_PATHS,
  seconds = PROBE_S,
): string[] {
  return [paths.busybox, 'sh', '-c', probeProgram(paths, seconds), gate]
}
