import { SYSTEM_NAMESPACE } from '../e2e/harness/install.ts'
import { openApi } from '../e2e/observer/api-access.ts'
import { ObjectWatch, type WatchedObject } from '../e2e/observer/object-watch.ts'

export interface AddedLease extends WatchedObject {
  metadata: WatchedObject['metadata'] & { annotations?: Record<string, string> }
}

/**
 * Tells of each Lease that comes in startgate's namespace, and when its event came (by the wall clock). Resolves once
 * it watches; what it returns ends that.
 */
export async function watchLeases(
  kubeconfig: string,
  onAdded: (lease: AddedLease, receivedAtMs: number) => void,
): Promise<() => Promise<void>> {
  const api = openApi(kubeconfig)
  const path = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM_NAMESPACE}/leases`
  const watch = new ObjectWatch<AddedLease>(api, path, ({ type, object, receivedAtMs }) => {
    if (type === 'ADDED') onAdded(object, receivedAtMs)
  })
  await watch.start()
  return async () => {
    await watch.stop()
    api.close()
  }
}
