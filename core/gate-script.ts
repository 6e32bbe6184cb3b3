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
  /** Names the run in which a gate has found no waiter on this node. */
  noWaiter: `${SHARED_PATH}/no-waiter`,
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
 * For a connection, where an earlier gate of this run has waited in vain: its own node answers at once or drops it. A
 * pod pays for a node without a waiter once, and not with each gate.
 */
const NO_WAITER_CONNECT_S = 1
/**
 * The same for one that a waiter has served. In an upgrade, or after some crashes in a row, the next waiter needs
 * seconds to be there, and all gates of a node turning into Node programs meanwhile would be the storm that they are to
 * calm.
 */
const NEXT_ANSWER_S = 30
/**
 * Silence of a connected waiter, which beats each 4 s. For its first line too: on a node that is busy with starts a
 * waiter may need a while, and to answer it with Node programs would be the wrong way.
 */
const SILENCE_S = 15
/** With less, Node may never come up (webhook/inject/resources.ts). */
const DIRECT_MEMORY = 96 * 1024 * 1024

/**
 * A gate as a shell: waits through its node's waiter (core/waiter-api.ts), and keeps every promise of the direct gate,
 * gate/pod/main.ts: ends with 0 on a grant or failing open only, with 143 at once on SIGTERM, and leaves the same
 * markers, log lines and verdict. Where no waiter answers it becomes the direct gate, if its memory allows that;
 * else it goes on trying until its patience ends.
 *
 * Two shells: the first process of the container, and in `nc -e` the one that talks, with the connection as its input
 * and output. Without -e, builds of nc differ in whether they end with the connection (NC_110_COMPAT). What the second
 * has heard it leaves in a file.
 *
 * Applets beside the shell's own commands: nc (-w, -e), rm, mv, cp, chmod, sleep, date. Each is called by the busybox's
 * own path, since not every busybox finds them in itself. No redirection that could fail stands on a special built-in
 * and no arithmetic on a text that is no number: either would end the shell.
 */
export function gateScript(paths: typeof GATE_SCRIPT_PATHS = GATE_SCRIPT_PATHS): string {
  return `${preamble(paths)}${markers(paths)}${talking(paths)}${ending(paths)}${main(paths)}`
}

/** Time, numbers and log. `now` is in seconds of the node's boot clock. */
function preamble({ busybox, shared }: typeof GATE_SCRIPT_PATHS): string {
  return `\
bb=${busybox}
gate=$${GATE_ENV.gate}
uid=$${GATE_ENV.podUid}
heard_file=${shared}/$gate.heard
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
 * The shell that talks: its input and output are the connection, 9 is the container's output (nc uses 3 and 4). It
 * leaves when it last heard the waiter (a dash: never), when to fail open (a dash: never), whether contact was lost,
 * and the last word with its rest. Who says no word of a waiter is some other program on this port, and not heard.
 */
function talking({ token }: typeof GATE_SCRIPT_PATHS): string {
  return `\
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
  last=$now
  while read -t ${SILENCE_S} -r word rest; do
    uptime
    case "$word" in
      beat | contact | log | go | open | direct) heard=$now; last=$now ;;
      *) [ $((now - last)) -lt ${SILENCE_S} ] || break ;;
    esac
    case "$word" in
      beat) num "$rest"; [ -z "$s" ] || deadline=$((now + s)) ;;
      contact) lost=false ;;
      log) printf '%s\\n' "$rest" >&9 ;;
      go | open | direct) return ;;
    esac
  done
  word=-
  rest=
}
if [ "$1" = talk ]; then
  exec 2>/dev/null
  heard=-
  uptime
  hello
  listen
  printf '%s %s %s %s\\n%s\\n' "$heard" "\${deadline:--}" "$lost" "$word" "$rest" >"$heard_file"
  exit 0
fi
`
}

function ending({ runs, lost, terminationLog, cgroup }: typeof GATE_SCRIPT_PATHS): string {
  return `\
finish() {
  printf %s "$2" 2>/dev/null >${terminationLog}
  if [ "$1" = go ]; then $bb rm -f ${lost}; else mark ${lost} "$attempt"; fi
  until mark ${runs}-$gate "$attempt"; do say 50 'cannot mark this run; trying again in 1 s'; nap 1; done
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
  json='{"verdict":"failed-open","gate":"%s","waitedMs":%s,"reason":"%s","attempt":%s}'
  finish open "$(printf "$json" "$gate" $(((now - began) * 1000)) "$why" "$attempt")"
}
`
}

/** One try after another. What the talking shell needs to know it has from the environment. */
function main({ direct, noWaiter }: typeof GATE_SCRIPT_PATHS): string {
  return `\
nc=
attempt=0
trap '[ -z "$nc" ] || kill "$nc" 2>/dev/null; exit 143' TERM INT
converse() {
  printf '' 2>/dev/null >"$heard_file"
  $bb nc -w $connect "$${GATE_ENV.hostIp}" "$${GATE_ENV.waiterPort}" -e $bb sh "$0" talk 9>&1 2>/dev/null &
  nc=$!
  wait $nc
  nc=
  when=-
  { read -r when until was_lost word && read -r rest; } 2>/dev/null <"$heard_file"
  [ "\${when:--}" != - ] || { word=-; return; }
  heard=$when
  answer=${NEXT_ANSWER_S}
  [ "$until" = - ] || deadline=$until
  lost=$was_lost
  [ "$word" != - ] || say 40 'the waiter of this node is gone: waiting for the next one'
}
if [ "$gate" = ${PULL_GATE} ]; then
  until place; do say 50 'cannot place the static busybox; trying again in 1 s'; nap 1; done
fi
which_run
uptime
began=$now
heard=$now
answer=${FIRST_ANSWER_S}
connect=${FIRST_ANSWER_S}
count ${noWaiter}
[ "$s" != "$attempt" ] || { answer=0; connect=${NO_WAITER_CONNECT_S}; }
seconds "$${GATE_ENV.failOpenAfter}" 60
patience=$s
seconds "$${GATE_ENV.failOpenJitter}" 300
deadline=$((now + patience + $RANDOM * s / 32768))
[ "$lost" = false ] || deadline=$((now + (patience < 5 ? patience : 5)))
[ "$${GATE_ENV.failOpenAfter}" != never ] || deadline=
export attempt began deadline lost
while :; do
  converse
  case "$word" in go | open) finish "$word" "$rest" ;; esac
  uptime
  why='no waiter answers on this node'
  [ "$word" != direct ] || why=$rest
  if [ "$word" = direct ] || [ $((now - heard)) -ge $answer ]; then
    if roomy; then
      say 30 "$why: asking the lease service directly"
      [ $answer = ${NEXT_ANSWER_S} ] || mark ${noWaiter} "$attempt"
      exec ${direct}
    fi
  fi
  [ -z "$deadline" ] || [ "$now" -lt "$deadline" ] || fail_open
  nap 1
done
`
}
