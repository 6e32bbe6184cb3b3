import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { findChromium } from './chromium.ts'
import { devtools } from './devtools.ts'
import { openTab, type Tab } from './tab.ts'

/** A headless Chromium with a profile of its own. */
export interface Browser {
  newTab(): Promise<Tab>
  close(): Promise<void>
}

/** It only shows pages of this repository, so it runs without its sandbox, which root cannot have. */
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-extensions', '--mute-audio'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--metrics-recording-only'],
  ...['--force-color-profile=srgb', '--font-render-hinting=none', '--disable-dev-shm-usage', '--remote-debugging-pipe'],
]

export async function openBrowser(): Promise<Browser> {
  const { program, env, fonts } = await findChromium()
  const profile = await mkdtemp(join(tmpdir(), 'startgate-browser-'))
  const fontsFile = join(profile, 'fonts.conf')
  if (fonts !== undefined) await writeFile(fontsFile, fontsConfiguration(fonts))
  const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`], {
    env: { ...env, HOME: profile, XDG_CACHE_HOME: profile, ...(fonts !== undefined && { FONTCONFIG_FILE: fontsFile }) },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  let said = ''
  child.stderr?.on('data', chunk => {
    said = (said + String(chunk)).slice(-2_000)
  })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const failed = ended.then(() => Promise.reject(new Error(`the browser has ended: ${said}`)))
  failed.catch(() => undefined)
  const { send, listen } = devtools(child.stdio[3] as Writable, child.stdio[4] as Readable)
  await send('Browser.getVersion').catch(() => failed)
  return {
    async newTab() {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
      return openTab({ send, listen }, { targetId: String(targetId), sessionId: String(sessionId) })
    },
    async close() {
      await Promise.race([send('Browser.close').catch(() => undefined), ended])
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(timer)
      await rm(profile, { recursive: true, force: true })
    },
  }
}

/** The same fonts on every machine, so that screenshots look alike. */
function fontsConfiguration(folder: string): string {
  const alias = (family: string, font: string): string =>
    `<match target="pattern"><test name="family"><string>${family}</string></test><edit name="family" mode="assign" binding="strong"><string>${font}</string></edit></match>`
  return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${folder}</dir>
${alias('system-ui', 'Inter')}${alias('sans-serif', 'Inter')}${alias('sans', 'Inter')}${alias('monospace', 'DejaVu Sans Mono')}
<cachedir prefix="xdg">fontconfig</cachedir></fontconfig>`
}
