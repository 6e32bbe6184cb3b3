import { spawn } from 'node:child_process'
import type { Cluster } from '../cluster/cluster.ts'
import { limits } from './time-limits.ts'

export interface Forward {
  port: number
  close(): void
}

/** `kubectl port-forward` to one port of a pod or Service, on a free loopback port. */
export function portForward(cluster: Cluster, namespace: string, target: string, port: number): Promise<Forward> {
  const child = spawn('kubectl', ['port-forward', '-n', namespace, target, `:${port}`, '--address', '127.0.0.1'], {
    env: cluster.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new Promise((resolve, reject) => {
    let said = ''
    const fail = (why: string) => {
      child.kill()
      reject(new Error(`port-forward to ${target}: ${why}: ${said}`))
    }
    const timer = setTimeout(() => fail('no answer'), limits.settingSeen.ms)
    child.stderr.on('data', chunk => {
      said += chunk
    })
    child.on('exit', () => fail('ended'))
    child.stdout.on('data', chunk => {
      const local = /127\.0\.0\.1:(\d+)/.exec(String(chunk))?.[1]
      if (!local) return
      clearTimeout(timer)
      resolve({ port: Number(local), close: () => void child.kill() })
    })
  })
}
