import type { Plugin } from './plugin.ts'
import { limits } from './time-limits.ts'

export interface Ui {
  /** What it printed: the page's address with its token. */
  url: string
  /** What it has said on standard error so far. */
  said(): string
  /** Ends it as Ctrl-C does; resolves with its exit code. */
  end(): Promise<number | null>
}

/** `kubectl startgate ui`, once it has printed its address. */
export function startUi(plugin: Plugin, args: readonly string[] = []): Promise<Ui> {
  const child = plugin.start(['ui', ...args])
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  let said = ''
  let printed = ''
  child.stderr?.on('data', chunk => {
    said += String(chunk)
  })
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail('no address'), limits.settingSeen.ms)
    const fail = (why: string): void => {
      clearTimeout(timer)
      child.kill()
      reject(new Error(`kubectl startgate ui: ${why}: ${printed} ${said}`))
    }
    child.once('error', error => fail(error.message))
    void ended.then(code => fail(`ended with ${code}`))
    child.stdout?.on('data', chunk => {
      printed += String(chunk)
      const url = /http:\/\/127\.0\.0\.1:\d+\/[\w-]+\//.exec(printed)?.[0]
      if (!url) return
      clearTimeout(timer)
      const end = () => {
        child.kill('SIGINT')
        return ended
      }
      resolve({ url, said: () => said, end })
    })
  })
}
