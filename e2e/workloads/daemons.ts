import { type DaemonPod, stay } from './daemon-pods.ts'

/** Daemons and clients of the image of e2e/cluster/daemon-images.ts, with no file of ours but a configuration. */
const write = (file: string, lines: string[]) => `printf '%s\\n' ${lines.map(line => `'${line}'`).join(' ')} >${file}; `

const HAPROXY = write('haproxy.cfg', [
  'defaults',
  'mode http',
  'timeout client 5s',
  'timeout server 5s',
  'timeout connect 5s',
  'frontend web',
  'bind 127.0.0.1:8080',
  'http-request return status 200 content-type text/plain string ok',
])

/** As the official image's entry point does it: a server for itself first, which must not count. */
const POSTGRES = `
PATH=$PATH:/usr/lib/postgresql/15/bin
initdb -D db --no-locale -A trust >/dev/null 2>&1
export PGDATA=/state/db PGHOST=/state
NOTIFY_SOCKET= pg_ctl -l first.log -o "-c listen_addresses= -c unix_socket_directories=/state" -w start >/dev/null
createdb shop; sleep 1
pg_ctl -m fast -w stop >/dev/null
exec postgres -c unix_socket_directories=/state
`
const MARIADB = `
mariadb-install-db --no-defaults --datadir=/state/db --auth-root-authentication-method=normal >/dev/null 2>&1
exec mariadbd --no-defaults --datadir=/state/db --socket=/state/sock --port=3307
`
const UNBOUND = `${write('unbound.conf', [
  'server:',
  'chroot: ""',
  'username: ""',
  'directory: /state',
  'pidfile: ""',
  'use-syslog: no',
  'logfile: ""',
  'interface: 127.0.0.1@5300',
  'local-data: "ok.test. A 192.0.2.1"',
  'remote-control:',
  'control-enable: no',
])}exec unbound -d -c unbound.conf`
const KNOT = `${write('zone', ['$ORIGIN test.', '@ 60 SOA ns a 1 60 60 60 60', '@ NS ns', 'ns A 192.0.2.2', 'ok A 192.0.2.1'])}
${write('knot.conf', [
  'server:',
  ' listen: 127.0.0.1@5301',
  ' rundir: /state',
  'database:',
  ' storage: /state',
  'zone:',
  ' - domain: test',
  '   storage: /state',
  '   file: zone',
])}exec knotd -c knot.conf`

/** With the sdnotify package; a server of its own first, which takes its word back. */
const PYTHON = `
import sdnotify, time
notify = sdnotify.SystemdNotifier().notify
notify("READY=1")
notify("STOPPING=1")
time.sleep(2)
open("told", "w")
print("ready")
notify("READY=1")
time.sleep(3600)
`

const asks = (port: number) => `kdig @127.0.0.1 -p ${port} +retry=0 +timeout=2 +short ok.test | grep -qx 192.0.2.1`
const ask = (address: string, question: string) =>
  `dbus-send --bus=${address} --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.${question}`

const SESSION_BUS = 'unix:path=/state/bus'

/** Of readiness notify. */
export const NOTIFYING: Record<string, DaemonPod> = {
  postgres: {
    daemons: { postgres: POSTGRES },
    readiness: 'postgres: notify\n',
    readyLine: /database system is ready to accept connections/,
    client: '/usr/lib/postgresql/15/bin/psql -h 127.0.0.1 -U daemons -d shop -c "select 1"',
  },
  mariadb: {
    daemons: { mariadb: MARIADB },
    readiness: 'mariadb: notify\n',
    readyLine: /mariadbd: ready for connections/,
    client: 'mariadb -h 127.0.0.1 -P 3307 -u root -e "select 1"',
  },
  haproxy: {
    daemons: { haproxy: `${HAPROXY}exec haproxy -Ws -f haproxy.cfg` },
    readiness: 'haproxy: notify\n',
    readyLine: /Loading success/,
    client: 'wget -qO- http://127.0.0.1:8080/',
  },
  unbound: {
    daemons: { unbound: UNBOUND },
    readiness: 'unbound: notify\n',
    readyLine: /start of service/,
    client: asks(5300),
  },
  knot: {
    daemons: { knot: KNOT },
    readiness: 'knot: notify\n',
    readyLine: /server started in the foreground/,
    client: asks(5301),
  },
  // With a BARRIER=1, which ends only when all sent before it has been read, and without.
  'systemd-notify': {
    daemons: {
      barrier: `touch told; echo ready; systemd-notify --ready --status=serving && echo heard; ${stay}`,
      quick: `echo ready; systemd-notify --no-block READY=1 STATUS=serving; ${stay}`,
    },
    readiness: 'barrier: notify\nquick: notify\n',
    readyLine: /^ready$/,
    client: 'test -f /state/told',
  },
  python: {
    daemons: {
      python: `exec python3 -uc '${PYTHON}'`,
    },
    readiness: 'python: notify\n',
    readyLine: /^ready$/,
    client: 'test -f /state/told',
  },
}

/** Of readiness dbus. */
export const ON_A_BUS: Record<string, DaemonPod> = {
  // As root, with Debian's policy: the agent is nobody. The bus counts as ready when it owns its own name.
  'system-bus': {
    daemons: {
      echo: 'exec dbus-test-tool echo --system --name=org.example.Echo',
      bus: 'exec dbus-daemon --system --nofork --nopidfile',
    },
    dependsOn: 'app: [echo]\necho: [bus]\n',
    readiness: `echo: {type: dbus, busName: org.example.Echo}\nbus: {type: dbus, busName: org.freedesktop.DBus}\n`,
    client: `dbus-send --system --print-reply --dest=org.example.Echo / org.example.Echo.Hello`,
    spec: { securityContext: {} },
  },
  // A session bus talks to nobody but its own user. The service is activated by the bus, some time after that is up; 1
  // says that it was.
  'session-bus': {
    daemons: {
      bus: `dbus-daemon --session --address=${SESSION_BUS} --fork --nopidfile; sleep 2
${ask(SESSION_BUS, 'StartServiceByName string:ca.desrt.dconf uint32:0')}
${stay}`,
    },
    readiness: `bus: {type: dbus, busName: ca.desrt.dconf, address: "${SESSION_BUS}"}\n`,
    readyLine: /uint32 1/,
    client: `${ask(SESSION_BUS, 'NameHasOwner string:ca.desrt.dconf')} | grep -q true`,
  },
}

/** Of readiness forking. */
export const FORKING: Record<string, DaemonPod> = {
  // An init container leaves the PID file of an earlier run, naming a process that lives: it must not count.
  redis: {
    daemons: {
      redis: `sleep 2; redis-server --daemonize yes --port 6380 --pidfile /state/redis.pid --dir /state --logfile /state/log; ${stay}`,
    },
    readiness: 'redis: {type: forking, pidFile: /state/redis.pid}\n',
    before: 'echo 1 >/state/redis.pid',
    client: 'redis-cli -p 6380 ping | grep -qx PONG',
    spec: { shareProcessNamespace: true },
  },
  'haproxy-daemon': {
    daemons: { haproxy: `${HAPROXY}haproxy -D -p /state/haproxy.pid -f haproxy.cfg; ${stay}` },
    readiness: 'haproxy: {type: forking, pidFile: /state/haproxy.pid}\n',
    client: 'wget -qO- http://127.0.0.1:8080/',
  },
}
