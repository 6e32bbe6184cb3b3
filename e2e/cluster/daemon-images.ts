import { appendFile, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unpackPackages, withLibraries } from './debian.ts'
import { addBusybox, makeImage, type Recipe } from './debian-images.ts'

const PROGRAMS = [
  'postgresql-15',
  'postgresql-client-15',
  'mariadb-server-core',
  'mariadb-client-core',
  'haproxy',
  'unbound',
  'knot',
  'knot-dnsutils',
  'redis-server',
  'redis-tools',
  'systemd',
  'python3-minimal',
  'python3.11-minimal',
  'python3-sdnotify',
  'dbus-daemon',
  'dbus-bin',
  'dbus-tests',
  'dbus-system-bus-common',
  'dbus-session-bus-common',
  'dconf-service',
  'dconf-cli',
  'base-passwd',
]
/** Half of the image, and only for PostgreSQL's JIT. */
const LLVM = 'libllvm14'

/**
 * What Debian's maintainer scripts would have added: the bus's own user, and one for all daemons that must have a name.
 */
const USERS = 'messagebus:x:100:100::/nonexistent:/usr/sbin/nologin\ndaemons:x:1000:1000::/tmp:/bin/sh\n'
const GROUPS = 'messagebus:x:100:\ndaemons:x:1000:\n'

/** Lets anyone own the names of this suite's services on the system bus. */
const BUS_POLICY = `<busconfig><policy context="default">
  <allow own_prefix="org.example"/><allow send_destination_prefix="org.example"/>
</policy></busconfig>
`

const daemons: Recipe = {
  name: 'daemons',
  config: { Cmd: ['sh'] },
  inputs: PROGRAMS,
  files: [import.meta.filename],
  fill: async (tree, work) => {
    await unpackPackages(await withLibraries(PROGRAMS, [LLVM]), work, tree)
    await addBusybox(tree)
    for (const part of [
      'usr/lib/postgresql/15/lib/bitcode',
      'usr/lib/postgresql/15/lib/llvmjit.so',
      'usr/lib/dbus-1.0/debug-build',
    ])
      await rm(join(tree, part), { recursive: true, force: true })
    // Debian's own, in which there is nobody and no user of ours.
    for (const [file, more] of Object.entries({ passwd: USERS, group: GROUPS })) {
      await cp(join(tree, `usr/share/base-passwd/${file}.master`), join(tree, `etc/${file}`))
      await appendFile(join(tree, `etc/${file}`), more)
    }
    await mkdir(join(tree, 'etc/dbus-1/system.d'), { recursive: true })
    await writeFile(join(tree, 'etc/dbus-1/system.d/example.conf'), BUS_POLICY)
  },
}

/**
 * One image of daemons, and of clients for them, that nobody here wrote: as Debian builds them, which is with
 * libsystemd.
 */
export const daemonsImage = (env: NodeJS.ProcessEnv): Promise<string> => makeImage(daemons, env)
