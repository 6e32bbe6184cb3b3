import { AGENT, AGENT_PROGRAM, BUSYBOX_IN_IMAGE, FIFO_DIRECTORY, GATE_ENV, type GateName } from './names.ts'
import { ATTEMPT_FILE, shellParts } from './shell-parts.ts'

/**
 * Shell programs of a sequenced pod, run by the busybox of our image. Applets are called by the busybox's own path,
 * since not every busybox finds them in itself, and no redirection stands on a special built-in, since its failure
 * would end the shell.
 */

/**
 * What a gate leaves beside its FIFO, once in each attempt: `here` when it listens, so the kubelet has come as far as
 * this gate; `passed` when it has heard the word.
 */
export function gateMarker(gate: GateName, what: 'here' | 'passed', attempt: number): string {
  return `${FIFO_DIRECTORY}/${gate}.${what}-${attempt}`
}

const COMMON = `\
${shellParts({ busybox: BUSYBOX_IN_IMAGE, attempt: ATTEMPT_FILE })}dir=${FIFO_DIRECTORY}
`

/**
 * A gate: ends with 0 once it has read the word `go` from its FIFO, and with 143 at once on SIGTERM. What follows the
 * word becomes its termination message. It holds the FIFO open for writing too, so neither opening nor an agent that
 * goes away makes it stop listening.
 */
const GATE_SCRIPT = `\
trap 'exit 143' TERM INT
${COMMON}fifo=$dir/$0
until [ -p "$fifo" ]; do nap 1; done
run=$(attempt)
listen() {
  until $bb touch "$fifo.here-$run"; do nap 1; done
  while :; do
    read -r word verdict <&3 || nap 1
    [ "$word" != go ] || break
  done
}
until listen 3<>"$fifo"; do nap 1; done
printf %s "$verdict" >/dev/termination-log
$bb touch "$fifo.passed-$run"
exit 0
`

/** Crashes in a row, with pauses that grow by 1 s, until the shell opens the gates itself: about a minute. */
const CRASHES_UNTIL_OPEN = 10

/**
 * PID 1 of the agent's container. Makes the FIFOs, for gates of any user, starts Node, and starts it again when it
 * crashes, so that the container stays up and the pod's readiness with it. Node ends with 0 when all is ready: then the
 * shell sleeps. If Node crashes on and on, the gates are opened as they come up: the containers still start one after
 * another, without slots; but not in a pod that fails closed.
 */
const AGENT_SCRIPT = `\
node=
trap '[ -z "$node" ] || kill -9 $node 2>/dev/null; exit 0' TERM INT
${COMMON}fifos() {
  [ -d "$dir" ] || $bb mkdir -m 777 "$dir"
  for fifo; do [ -p "$dir/$fifo" ] || $bb mkfifo -m 666 "$dir/$fifo"; done
}
say() { echo "{\\"level\\":50,\\"part\\":\\"agent\\",\\"msg\\":\\"$1\\"}"; }
open_all() {
  run=$(attempt)
  for gate; do
    [ -e "$dir/$gate.here-$run" ] && [ ! -e "$dir/$gate.passed-$run" ] || continue
    echo "go {\\"verdict\\":\\"failed-open\\",\\"gate\\":\\"$gate\\",\\"attempt\\":$run,\\"waitedMs\\":0,\\"reason\\":\\"the agent crashed ${CRASHES_UNTIL_OPEN} times\\"}" 1<>"$dir/$gate"
  done
}
crashes=0
while :; do
  fifos "$@"
  began=$($bb date +%s)
  node ${AGENT_PROGRAM} &
  node=$!
  wait $node
  code=$?
  node=
  [ $code != 0 ] || break
  [ $(($($bb date +%s) - began)) -lt 300 ] || crashes=0
  crashes=$((crashes + 1))
  say "ended with $code, crash $crashes in a row"
  if [ $crashes -ge ${CRASHES_UNTIL_OPEN} ] && [ "$${GATE_ENV.failOpenAfter}" != never ]; then
    say "failing open: the gates are opened without slots"
    while :; do open_all "$@"; nap 1; done
  fi
  [ $crashes = 1 ] || nap $((crashes < 30 ? crashes : 30))
done
fifos idle
listen() { while read -r word <&3; do :; done; }
listen 3<>"$dir/idle"
while :; do nap 86400; done
`

/** Command of the agent's container. `gates`: every gate of the sequence but none other. */
export function agentCommand(gates: readonly GateName[]): string[] {
  return [BUSYBOX_IN_IMAGE, 'sh', '-c', AGENT_SCRIPT, AGENT, ...gates]
}

/** Command of a gate that the agent opens. */
export function sequenceGateCommand(gate: GateName): string[] {
  return [BUSYBOX_IN_IMAGE, 'sh', '-c', GATE_SCRIPT, gate]
}
