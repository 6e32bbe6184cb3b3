import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../../e2e/cluster/command.ts'
import { installPrograms, unpackPackages } from '../../e2e/cluster/debian.ts'
import { GLIBC, makeImage, type Recipe } from '../../e2e/cluster/debian-images.ts'

const APP = join(import.meta.dirname, 'java-app')
const POM = join(APP, 'pom.xml')
/** What of the pom's choice was looked at: of each jar its hash, as sha256sum writes it. */
const HASHES = join(APP, 'jars.sha256')
const JDK = `/usr/lib/jvm/java-17-openjdk-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`
/** Maven is the one client that knows where this machine finds its packages. */
const PROGRAMS = {
  [`${JDK}/jmods/java.base.jmod`]: 'openjdk-17-jdk-headless',
  '/usr/bin/mvn': 'maven',
}
const LIBRARIES = [...GLIBC, 'zlib1g']

const jvm: Recipe = {
  name: 'jvm',
  config: {
    // What Java chooses by itself in a container of 512 MiB, on every machine, whatever its cgroups tell Java.
    Entrypoint: ['/opt/jre/bin/java', '-Xmx256m', '-XX:+UseSerialGC', '-cp', '/app/classes:/app/jars/*', 'bench.Shop'],
    User: '65532',
  },
  inputs: LIBRARIES,
  files: [import.meta.filename, APP],
  fill: async (tree, work) => {
    await installPrograms(PROGRAMS)
    await unpackPackages(LIBRARIES, work, tree)
    await rm(join(tree, 'usr/lib/x86_64-linux-gnu/gconv'), { recursive: true, force: true })
    const [jars, classes] = [join(tree, 'app/jars'), join(tree, 'app/classes')]
    await copyJars(jars)
    await mkdir(classes, { recursive: true })
    const source = join(APP, 'src/bench/Shop.java')
    await run([`${JDK}/bin/javac`, '-d', classes, '-cp', `${jars}/*`, '-proc:none', '-parameters', source])
    await linkJre(join(tree, 'opt/jre'))
  },
}

/**
 * Image of an ordinary Spring Boot application: Tomcat, Hibernate with a database in memory, security and health pages
 * on port 8080. It needs some 12 s of CPU to start and 250 MiB.
 */
export const jvmImage = (env: NodeJS.ProcessEnv): Promise<string> => makeImage(jvm, env)

/** The application's jars as Maven resolves them. Throws when one of them is not what was looked at. */
async function copyJars(into: string): Promise<void> {
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${into}`]
  await run(['mvn', '-B', '-q', '-f', POM, ...goal])
  const files: Record<string, string> = {}
  for (const file of await readdir(into))
    files[file] = createHash('sha256')
      .update(await readFile(join(into, file)))
      .digest('hex')
  const problem = jarProblem(await readFile(HASHES, 'utf8'), files)
  if (problem !== undefined) throw new Error(problem)
}

/**
 * What is wrong with the jars, in a sentence; undefined when they are all those of the list and no others. `list` is in
 * sha256sum's form, `files` has the hash of each by its name.
 */
export function jarProblem(list: string, files: Readonly<Record<string, string>>): string | undefined {
  const wanted = new Map(
    [...list.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, hash = '', name = '']) => [name, hash]),
  )
  for (const [name, hash] of wanted)
    if (files[name] !== hash) return `${name}: ${files[name] === undefined ? 'missing' : 'not the file of jars.sha256'}`
  const other = Object.keys(files).find(name => !wanted.has(name))
  return other === undefined ? undefined : `${other} is not in jars.sha256`
}

function linkJre(into: string): Promise<unknown> {
  const small = ['--strip-java-debug-attributes', '--no-header-files', '--no-man-pages', '--compress=2']
  const modules = ['--module-path', `${JDK}/jmods`, '--add-modules', 'java.se,jdk.unsupported']
  return run([`${JDK}/bin/jlink`, ...modules, ...small, '--output', into])
}
