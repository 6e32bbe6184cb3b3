import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RULES } from '../../charts/monitoring.ts'
import { run } from '../cluster/command.ts'
import { unpackPackages } from '../cluster/debian.ts'
import { makeImage, type Recipe } from '../cluster/debian-images.ts'
import { withLock } from '../cluster/lock.ts'
import { cached, contentHash, scratch } from '../cluster/step-cache.ts'
import { versions } from '../cluster/versions.ts'

/** Debian's, with promtool in it. Both need nothing but libc. */
const PACKAGE = 'prometheus'
const LIBC = 'libc6'
/** Beside the rules, which it names. */
export const RULE_TESTS = join(import.meta.dirname, 'alerts-test.yaml')

/** Path of Debian's promtool, unpacked into the cache of the e2e cluster: nothing is installed on this machine. */
async function promtoolBinary(): Promise<string> {
  const unpack = async (into: string): Promise<void> => {
    await mkdir(join(into, 'tree'))
    await unpackPackages([PACKAGE], into, join(into, 'tree'))
  }
  // Who takes another cluster down meanwhile clears away half results.
  const dir = await withLock(
    () => undefined,
    () => cached(PACKAGE, contentHash([PACKAGE, versions.debianSuite]), unpack),
  )
  return join(dir, 'tree', 'usr', 'bin', 'promtool')
}

/** Says how many rules are in a rule file. Rejects with what is wrong with it. */
export async function checkRules(rules: string): Promise<number> {
  const promtool = await promtoolBinary()
  return scratch('promtool', async dir => {
    await writeFile(join(dir, 'rules.yaml'), rules)
    const { stdout } = await run([promtool, 'check', 'rules', join(dir, 'rules.yaml')])
    return Number(/SUCCESS: (\d+) rules found/.exec(stdout)?.[1])
  })
}

/** Runs the unit tests of the chart's rules. Rejects with those that failed. */
export async function testRules(): Promise<void> {
  const promtool = await promtoolBinary()
  await scratch('promtool', async dir => {
    await copyFile(RULES, join(dir, 'rules.yaml'))
    await copyFile(RULE_TESTS, join(dir, 'alerts-test.yaml'))
    await run([promtool, 'test', 'rules', 'alerts-test.yaml'], { cwd: dir })
  })
}

const recipe: Recipe = {
  name: PACKAGE,
  config: { Cmd: [PACKAGE] },
  inputs: [PACKAGE, LIBC],
  files: [import.meta.filename],
  fill: (tree, work) => unpackPackages([PACKAGE, LIBC], work, tree),
}

/** Image of a Prometheus as Debian has it. */
export const prometheusImage = (env: NodeJS.ProcessEnv): Promise<string> => makeImage(recipe, env)
