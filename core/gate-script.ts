import {
  BUSYBOX_IN_IMAGE,
  GATE_ENV,
  GATE_PROGRAM,
  LOST_MARKER_PATH,
  PULL_GATE,
  RUN_MARKER_PATH,
  SHARED_PATH,
  START_GATE,
  TOKEN_DIRECTORY,
  TRUE_PATH,
} from './names.ts'
import { VERSION } from './version.ts'

/** Where the gate's shell finds things; tests put them elsewhere. */
export const GATE_SCRIPT_PATHS = {
  busybox: BUSYBOX_IN_IMAGE,
  shared: SHARED_PATH,
  runs: RUN_MARKER_PATH,
  lost: LOST_MARKER_PATH,
  trueProgram: TRUE_PATH,
  token: `${TOKEN_DIRECTORY}/token`,
  terminationLog: '/dev/termination-log',
  cgroup: '/sys/fs/cgroup',
  /** Started instead where no waiter answers. */
  direct: `node ${GATE_PROGRAM}`,
}

/** From its beginning, until a gate that no waiter has answered asks by itself. */
const FIRST_ANSWER_S = 5
/**
 * The same for one that a waiter has served. In an upgrade, or after some crashes in a row, the next waiter needs
 * seconds to be there, and all gates of a node turning into Node programs meanwhile would be the storm that they are to
 * calm.
 */
const NEXT_ANSWER_S = 30
/** Silence of a connected waiter, which beats each 4 s. */
const SILENCE_S = 15
/** With less, Node may never come up (webhook/inject/resources.ts). */
const DIRECT_MEMORY = 96 * 1024 * 1024

/**
 * A gate as a shell: waits through its node's waiter (core/waiter-api.ts), and keeps every promise of the direct gate,
 * gate/pod/main.ts: ends with 0 on a grant or failing open only, with 143 at once on SIGTERM, and leaves the same
 * markers, log lines and verdict. Where no waiter answers it becomes the direct gate, if its memory allows that;
 * else it goes on trying until its patience ends.
 *
 * Applets beside the shell's own commands: nc, mkfifo, rm, mv, cp, chmod, sleep, date. Each is called by the busybox's
 * own path, since not every busybox finds them in itself. No redirection that could fail stands on a special built-in
 * and no arithmetic on a text that is no number: either would end the shell.
 */
export function gateScript(paths: typeof GATE_SCRIPT_PATHS = GATE_SCRIPT_PATHS): string {
  return `${preamble(paths)}${markers(paths)}${conversation(paths)}${ending(paths)}${main(paths)}`
}

/** Time, numbers and log. `now` is in seconds of the node's boot clock. */
function preamble({ busybox }: typeof GATE_SCRIPT_PATHS): string {
  return `\
bb=${busybox}
nc=
trap '[ -z "$nc" ] || kill "$nc" 2>/dev/null; exit 143' TERM INT
gate=$${GATE_ENV.gate}
uid=$${GATE_ENV.podUid}
attempt=0
nap() { $bb sleep "$1" & wait $!; }
uptime() { read -r now _ </proc/uptime; now=\${now%.*}; }
num() { case "$1" in '' | *[!0-9]* | 0?* | ??????????*) s= ;; *) s=$1 ;; esac; }
seconds() {
  case "$1" in
    *ms) num "\${1%ms}"; s=\${s:+$(((s + 999) / 1000))} ;;
    *s) num "\${1%s}" ;;
    *m) num "\${1%m}"; s=\${s:+$((s * 60))} ;;
    *) s= ;;
  esac
  s=\${s:-$2}
}
say() {
  printf '{"level":%s,"time":"%s","part":"gate","gate":"%s","podUid":"%s","attempt":%s,"msg":"%s"}\\n' \\
    "$1" "$($bb date -u +%Y-%m-%dT%H:%M:%SZ)" "$gate" "$uid" "$attempt" "$2"
}
`
}

/** The shared directory, as gate/pod/shared-directory.ts and runs.ts have it. */
function markers({ runs, lost, trueProgram }: typeof GATE_SCRIPT_PATHS): string {
  return `\
count() { s=; { read -r s <"$1"; } 2>/dev/null; num "$s"; s=\${s:-0}; }
mark() { printf '%s\\n' "$2" >"$1.new" && $bb mv -f "$1.new" "$1"; }
place() { $bb cp "$bb" ${trueProgram}.new && $bb chmod 755 ${trueProgram}.new && $bb mv -f ${trueProgram}.new ${trueProgram}; }
which_run() {
  count ${runs}-${PULL_GATE}; pulls=$s
  count ${runs}-${START_GATE}; starts=$s
  if [ "$gate" = ${PULL_GATE} ]; then attempt=$((pulls + 1)); else attempt=$((starts + 1)); fi
  [ "$gate" = ${PULL_GATE} ] || [ "$attempt" -ge "$pulls" ] || attempt=$pulls
  count ${lost}
  lost=false
  [ "$s" != "$attempt" ] || lost=true
}
`
}

/**
 * One connection. The FIFOs are made anew for each, so that no half of an earlier one is left in them; \`down\` is
 * opened for reading beside a descriptor that is then closed, so that the end of nc is the end of the file.
 */
function conversation({ shared, token }: typeof GATE_SCRIPT_PATHS): string {
  return `\
up=${shared}/$gate.up
down=${shared}/$gate.down
converse() {
  $bb rm -f "$up" "$down" && $bb mkfifo -m 600 "$up" "$down" && call 4<>"$up" 5<>"$down"
  [ -z "$nc" ] || { kill "$nc"; wait "$nc"; } 2>/dev/null
  nc=
}
call() {
  $bb nc "$${GATE_ENV.hostIp}" "$${GATE_ENV.waiterPort}" <&4 >&5 2>/dev/null &
  nc=$!
  hello >&4
  listen 3<"$down"
}
hello() {
  token=
  { read -r token <${token}; } 2>/dev/null
  left=null
  [ -z "$deadline" ] || left=$((deadline > now ? deadline - now : 0))
  printf '{"version":"${VERSION}","gate":"%s","attempt":%s,"podUid":"%s","isLost":%s,' "$gate" "$attempt" "$uid" "$lost"
  printf '"failOpenAfter":"%s","failOpenJitter":"%s",' "$${GATE_ENV.failOpenAfter}" "$${GATE_ENV.failOpenJitter}"
  printf '"waitedS":%s,"leftS":%s,"token":"%s"}\\n' $((now - began)) "$left" "$token"
}
listen() {
  exec 5>&-
  silence=${FIRST_ANSWER_S}
  while read -t $silence -r word rest <&3; do
    silence=${SILENCE_S}
    uptime
    heard=$now
    answer=${NEXT_ANSWER_S}
    case "$word" in
      beat) num "$rest"; [ -z "$s" ] || deadline=$((now + s)) ;;
      contact) lost=false ;;
      log) printf '%s\\n' "$rest" ;;
      go | open) verdict=$word; json=$rest; return ;;
      direct) direct=$rest; return ;;
    esac
  done
}
`
}

function ending({ runs, lost, terminationLog, cgroup }: typeof GATE_SCRIPT_PATHS): string {
  return `\
finish() {
  printf %s "$json" 2>/dev/null >${terminationLog}
  if [ "$verdict" = go ]; then $bb rm -f ${lost}; else mark ${lost} "$attempt"; fi
  until mark ${runs}-$gate "$attempt"; do say 50 'cannot mark this run; trying again in 1 s'; nap 1; done
  $bb rm -f "$up" "$down"
  exit 0
}
roomy() {
  [ "$${GATE_ENV.direct}" != no ] || return 1
  for file in ${cgroup}/memory.max ${cgroup}/memory/memory.limit_in_bytes; do
    s=
    { read -r s <$file; } 2>/dev/null
    [ "$s" != max ] || return 0
    [ -z "$s" ] || { [ "$s" -ge ${DIRECT_MEMORY} ] 2>/dev/null; return; }
  done
}
fail_open() {
  say 30 'failing open: the pod goes on without a slot'
  verdict=open
  json=$(printf '{"verdict":"failed-open","gate":"%s","waitedMs":%s,"reason":"no waiter answers on this node","attempt":%s}' \\
    "$gate" $(((now - began) * 1000)) "$attempt")
  finish
}
`
}

function main({ direct }: typeof GATE_SCRIPT_PATHS): string {
  return `\
if [ "$gate" = ${PULL_GATE} ]; then
  until place; do say 50 'cannot place the static busybox; trying again in 1 s'; nap 1; done
fi
which_run
uptime
began=$now
heard=$now
answer=${FIRST_ANSWER_S}
seconds "$${GATE_ENV.failOpenAfter}" 60
patience=$s
seconds "$${GATE_ENV.failOpenJitter}" 300
deadline=$((now + patience + $RANDOM * s / 32768))
[ "$lost" = false ] || deadline=$((now + (patience < 5 ? patience : 5)))
[ "$${GATE_ENV.failOpenAfter}" != never ] || deadline=
verdict=
while :; do
  direct=
  uptime
  converse
  [ -z "$verdict" ] || finish
  uptime
  if [ -n "$direct" ] || [ $((now - heard)) -ge $answer ]; then
    if roomy; then
      say 30 "\${direct:-no waiter answers on this node}: asking the lease service directly"
      exec ${direct}
    fi
  fi
  [ -z "$deadline" ] || [ "$now" -lt "$deadline" ] || fail_open
  nap 1
done
`
}
