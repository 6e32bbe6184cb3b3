import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run, succeeds } from './command.ts'
import { clusterPaths } from './paths.ts'
import { writeWhole } from './whole-file.ts'

/** What of the machine we and our Docker daemon change, as it was before. */
interface HostState {
  rules: string
  /** Kernel settings by their file. */
  settings: Record<string, string>
  links: string[]
  hadModules: boolean
}

const FORWARDING = '/proc/sys/net/ipv4/ip_forward'
/** A node uses about 16 inotify instances; the usual limit of 128 starves the kubelets of an eighth node. */
const INOTIFY = '/proc/sys/fs/inotify/max_user_instances'
const INOTIFY_INSTANCES = 8192
const MODULES = '/lib/modules'
const recordFile = () => join(clusterPaths().run, 'host-state.json')
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

/** Writes down the state before the daemon's first start; a later start keeps the first record. */
export async function recordHostState(): Promise<void> {
  if (existsSync(recordFile())) return
  const record: HostState = {
    rules: (await run(['iptables-save'], { env })).stdout,
    settings: { [FORWARDING]: await readFile(FORWARDING, 'utf8'), [INOTIFY]: await readFile(INOTIFY, 'utf8') },
    links: await linkNames(),
    hadModules: existsSync(MODULES),
  }
  await mkdir(clusterPaths().run, { recursive: true })
  await writeWhole(recordFile(), JSON.stringify(record))
}

/** Makes room for more nodes than a machine's usual limits allow. */
export async function raiseHostLimits(): Promise<void> {
  if (Number(await readFile(INOTIFY, 'utf8')) >= INOTIFY_INSTANCES) return
  // Where /proc/sys is read-only, small clusters do without.
  await writeFile(INOTIFY, String(INOTIFY_INSTANCES)).catch(() => undefined)
}

/** Puts the machine back: our daemon's rules, chains and interfaces go, everything older stays. */
export async function restoreHostState(): Promise<void> {
  if (!existsSync(recordFile())) return
  const before = JSON.parse(await readFile(recordFile(), 'utf8')) as HostState
  const now = (await run(['iptables-save'], { env })).stdout
  for (const argv of undoRules(before.rules, now)) await succeeds(argv, { env })
  for (const link of await linkNames()) {
    if (isDockerLink(link) && !before.links.includes(link)) await succeeds(['ip', 'link', 'delete', link], { env })
  }
  for (const [setting, value] of Object.entries(before.settings)) await writeFile(setting, value).catch(() => undefined)
  // Docker makes it where it is missing; rmdir takes only an empty one.
  if (!before.hadModules) await rmdir(MODULES).catch(() => undefined)
  await rm(recordFile())
}

/** Interfaces that a Docker daemon makes: bridges, and its ends of containers' links. */
export function isDockerLink(name: string): boolean {
  return /^(docker0|br-[0-9a-f]{12}|veth[0-9a-f]{7})$/.test(name)
}

async function linkNames(): Promise<string[]> {
  const { stdout } = await run(['ip', '-o', 'link'], { env })
  return [...stdout.matchAll(/^\d+: ([^:@]+)/gm)].map(match => match[1] ?? '')
}

/**
 * Commands that take away the rules and chains that `now` has over `before` and that a Docker daemon made
 * (rules that name a DOCKER chain or a Docker bridge), and that set the chains' policies back.
 */
export function undoRules(before: string, now: string): string[][] {
  const old = new Set(tableLines(before).map(({ table, line }) => `${table} ${line}`))
  const added = tableLines(now).filter(({ table, line }) => !old.has(`${table} ${line}`))
  const rules = added.filter(({ line }) => line.startsWith('-A ') && /DOCKER|docker0|br-[0-9a-f]{12}/.test(line))
  const chains = added.flatMap(({ table, line }) => {
    const name = /^:(DOCKER\S*)/.exec(line)?.[1]
    return name === undefined ? [] : [{ table, name }]
  })
  const [forward, forwardNow] = [before, now].map(forwardPolicy)
  return [
    ...rules.map(({ table, line }) => ['iptables', '-w', '-t', table, '-D', ...words(line).slice(1)]),
    ...chains.map(({ table, name }) => ['iptables', '-w', '-t', table, '-F', name]),
    ...chains.map(({ table, name }) => ['iptables', '-w', '-t', table, '-X', name]),
    ...(forward === undefined || forward === forwardNow ? [] : [['iptables', '-w', '-P', 'FORWARD', forward]]),
  ]
}

// A machine without any rule saves no table at all; forwarding is accepted then.
function forwardPolicy(save: string): string {
  return /^:FORWARD (\S+)/m.exec(save.slice(Math.max(0, save.indexOf('*filter'))))?.[1] ?? 'ACCEPT'
}

// Counters differ between two saves of the same rules.
function tableLines(save: string): { table: string; line: string }[] {
  let table = ''
  return save.split('\n').flatMap(line => {
    if (line.startsWith('*')) table = line.slice(1)
    return line.startsWith(':') || line.startsWith('-A') ? [{ table, line: line.replace(/ \[\d+:\d+\]$/, '') }] : []
  })
}

function words(rule: string): string[] {
  return [...rule.matchAll(/"([^"]*)"|(\S+)/g)].map(match => match[1] ?? match[2] ?? '')
}
