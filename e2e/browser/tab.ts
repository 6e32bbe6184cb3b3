import { setTimeout as sleep } from 'node:timers/promises'
import type { Devtools } from './devtools.ts'

/** One page of the browser. */
export interface Tab {
  goto(url: string): Promise<void>
  /** The value of a JavaScript expression, or what its promise comes to; it has to be JSON. */
  evaluate<T>(expression: string): Promise<T>
  /** Waits until the expression is truthy; returns its value. Throws after `timeoutMs` with what the page shows. */
  until<T>(expression: string, timeoutMs?: number): Promise<T>
  /** Presses and lets go of a key, as `ArrowDown`, `Tab`, `Enter`. */
  press(key: string): Promise<void>
  resize(width: number, height: number): Promise<void>
  scheme(scheme: 'light' | 'dark'): Promise<void>
  /** A picture of what can be seen. */
  screenshot(format?: 'png' | 'webp'): Promise<Buffer>
  /** Bytes of JavaScript objects after a collection of garbage. */
  heapBytes(): Promise<number>
  close(): Promise<void>
  /** Exceptions, console errors and what the browser refused (by the page's policy, say) so far. */
  complaints: string[]
}

const LOOK_AGAIN_MS = 50

/** As the browser names it. */
export interface Target {
  targetId: string
  sessionId: string
}

export async function openTab({ send: ask, listen }: Devtools, { targetId, sessionId }: Target): Promise<Tab> {
  const send = (method: string, params: object = {}) => ask(method, params, sessionId)
  const complaints: string[] = []
  listen(({ method, params, sessionId: from }) => {
    if (from !== sessionId) return
    const complaint = complaintOf(method, params)
    if (complaint) complaints.push(complaint)
  })
  for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`)
  const evaluate = async <T>(expression: string): Promise<T> => {
    const options = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await send('Runtime.evaluate', options)
    if (exceptionDetails) throw new Error(`${expression.slice(0, 200)}: ${JSON.stringify(exceptionDetails)}`)
    return (result as { value: T }).value
  }
  return {
    complaints,
    evaluate,
    async goto(url) {
      const loaded = new Promise<void>(resolve => {
        const stop = listen(({ method, sessionId: from }) => {
          if (method !== 'Page.loadEventFired' || from !== sessionId) return
          stop()
          resolve()
        })
      })
      const { errorText } = await send('Page.navigate', { url })
      if (errorText) throw new Error(`${url}: ${errorText}`)
      await loaded
    },
    async until<T>(expression: string, timeoutMs = 10_000) {
      const endMs = performance.now() + timeoutMs
      for (;;) {
        const value = await evaluate<T>(expression)
        if (value) return value
        if (performance.now() > endMs) {
          const shown = await evaluate<string>('document.body.innerText')
          throw new Error(`not within ${timeoutMs} ms: ${expression}\nThe page shows:\n${shown.slice(0, 3_000)}`)
        }
        await sleep(LOOK_AGAIN_MS)
      }
    },
    async press(key) {
      const code = KEY_CODES[key]
      if (code === undefined) throw new Error(`${key} is not a key that is known here`)
      const event = { key, code: key, windowsVirtualKeyCode: code, ...(key === 'Enter' && { text: '\r' }) }
      await send('Input.dispatchKeyEvent', { type: 'keyDown', ...event })
      await send('Input.dispatchKeyEvent', { type: 'keyUp', ...event })
    },
    async resize(width, height) {
      await send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
    },
    async scheme(value) {
      await send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] })
    },
    async screenshot(format = 'png') {
      const options = { format, ...(format === 'webp' && { quality: 82 }) }
      const { data } = await send('Page.captureScreenshot', options)
      return Buffer.from(String(data), 'base64')
    },
    async close() {
      await ask('Target.closeTarget', { targetId })
    },
    async heapBytes() {
      for (let i = 0; i < 3; i++) await send('HeapProfiler.collectGarbage')
      return Number((await send('Runtime.getHeapUsage')).usedSize)
    },
  }
}

const KEY_CODES: Record<string, number> = {
  ...{ Tab: 9, Enter: 13, PageUp: 33, PageDown: 34, End: 35, Home: 36 },
  ...{ ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40 },
}

function complaintOf(method: string, params: Record<string, unknown>): string | undefined {
  if (method === 'Runtime.exceptionThrown') {
    const { text, exception } = params.exceptionDetails as { text: string; exception?: { description?: string } }
    return `${text} ${exception?.description ?? ''}`
  }
  if (method === 'Runtime.consoleAPICalled' && params.type === 'error') return JSON.stringify(params.args)
  if (method !== 'Log.entryAdded') return undefined
  const { level, text, url = '' } = params.entry as { level: string; text: string; url?: string }
  return level === 'error' ? `${text} ${url}` : undefined
}
