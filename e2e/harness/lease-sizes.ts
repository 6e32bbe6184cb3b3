import { onTestFinished } from 'vitest'
import { openApi } from '../observer/api-access.ts'
import { ObjectWatch, type WatchedObject } from '../observer/object-watch.ts'
import { SYSTEM_NAMESPACE } from './install.ts'
import type { Session } from './session.ts'

/** The most bytes that each Lease of startgate has had as JSON since the call, by name; grows until the test ends. */
export async function leaseSizes({ cluster }: Session): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  const api = openApi(cluster.kubeconfig)
  const path = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM_NAMESPACE}/leases`
  const watch = new ObjectWatch<WatchedObject>(api, path, ({ object }) => {
    const { name } = object.metadata
    sizes.set(name, Math.max(sizes.get(name) ?? 0, Buffer.byteLength(JSON.stringify(object))))
  })
  await watch.start()
  onTestFinished(async () => {
    await watch.stop()
    api.close()
  })
  return sizes
}
