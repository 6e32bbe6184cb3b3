import { beforeAll, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import { namespaceFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { coldImages } from '../workloads/cold-images.ts'
import { meshedPod, redirectAndRestart } from '../workloads/mesh-pods.ts'
import { meshes } from '../workloads/mesh-rules.ts'
import { containerIn, isReady, readPod, runs, type SeenPod } from '../workloads/sequenced-pods.ts'

let session: Session
beforeAll(async () => {
  session = await openSession()
})

const all = Object.entries(meshes)
const API_SERVER = '10.96.0.1'

function verdict(pod: SeenPod, gate: string): string | undefined {
  const message = containerIn(pod, gate)?.state?.terminated?.message
  return (JSON.parse(message ?? '{}') as { verdict?: string }).verdict
}

/** Whether a connection of this container's user leaves the pod, by nc's exit code. */
async function reaches({ kubectl, name }: TestNamespace, container: string): Promise<boolean> {
  const words = ['exec', 'meshed', '-n', name, '-c', container, '--']
  const said = await kubectl.text([...words, 'sh', '-c', `nc -w 3 ${API_SERVER} 443 </dev/null >/dev/null; echo $?`])
  return said.trim() === '0'
}

test.each(all)('%s with a classic sidecar: the gate after the redirect is granted its slot', async (_, mesh) => {
  const namespace = await namespaceFor(session, { word: 'mesh', gated: true })
  await namespace.apply([meshedPod('meshed', mesh, { image: APP_IMAGE, by: 'init' })])
  const pod = await isReady(namespace, 'meshed')
  expect(verdict(pod, 'startgate-start')).toBe('granted')
  // The redirect is in force: another user's connection ends at the proxy, which is not there.
  expect([await reaches(namespace, 'app'), await reaches(namespace, mesh.proxy)]).toEqual([false, true])
})

test.each(all)('%s by its CNI plugin: gates are granted with the redirect before them all', async (_, mesh) => {
  const [cold = ''] = await coldImages(session.cluster, 'mesh', 1, 1)
  const namespace = await namespaceFor(session, { word: 'cni', gated: true, settings: { 'max-pulling': '0' } })
  await namespace.apply([meshedPod('meshed', mesh, { image: cold, by: 'cni' })])
  await redirectAndRestart(session.cluster, await runs(namespace, 'meshed', 'startgate-pull'), 'startgate-pull', mesh)
  const again = async () => {
    const gate = containerIn(await readPod(namespace, 'meshed'), 'startgate-pull')
    return gate?.restartCount === 1 && gate.state?.running !== undefined
  }
  await waitFor('the first gate runs again, redirected', again, limits.podReady)
  await namespace.set({ 'max-pulling': null })
  const pod = await isReady(namespace, 'meshed')
  expect([verdict(pod, 'startgate-pull'), verdict(pod, 'startgate-start')]).toEqual(['granted', 'granted'])
})
