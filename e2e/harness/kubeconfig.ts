import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratch } from '../cluster/step-cache.ts'
import type { Session } from './session.ts'

/** A kubeconfig, as far as tests change it. */
export interface KubeconfigView {
  clusters: { cluster: { server: string } }[]
  users: { user: object }[]
}

/** Calls `act` with the path of the session's kubeconfig with a change. */
export function withConfig<T>(
  { kubectl }: Pick<Session, 'kubectl'>,
  change: (config: KubeconfigView) => void,
  act: (kubeconfig: string) => Promise<T>,
): Promise<T> {
  return scratch('viewer', async dir => {
    const config = await kubectl.json<KubeconfigView>(['config', 'view', '--raw'])
    change(config)
    const kubeconfig = join(dir, 'kubeconfig')
    await writeFile(kubeconfig, JSON.stringify(config))
    return act(kubeconfig)
  })
}

/** The change by which somebody shows a token and nothing else. */
export const asBearer =
  (token: string) =>
  ({ users }: KubeconfigView): void => {
    for (const entry of users) entry.user = { token }
  }
