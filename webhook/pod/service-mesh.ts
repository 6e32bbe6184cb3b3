import type { Container, Pod } from '../../core/pod.ts'

/** How a mesh with sidecars shows in a pod. Its redirect sends all outgoing TCP but the proxy user's to the proxy. */
interface Mesh {
  /** The sidecar: an app container, or a native sidecar. */
  proxy: string
  /** The init container that writes the redirect. Without it a CNI plugin has, before any container starts. */
  redirect: string
  /** Written by the mesh's injector, whatever its containers are named. */
  injectedAnnotation: string
  /** Options of the redirect that name the user it spares. */
  userOptions: readonly string[]
  userAnnotation?: string
  defaultUser: number
}

const MESHES: readonly Mesh[] = [
  {
    proxy: 'istio-proxy',
    redirect: 'istio-init',
    injectedAnnotation: 'sidecar.istio.io/status',
    userOptions: ['-u', '--proxy-uid'],
    defaultUser: 1337,
  },
  {
    proxy: 'linkerd-proxy',
    redirect: 'linkerd-init',
    injectedAnnotation: 'linkerd.io/proxy-version',
    userOptions: ['--proxy-uid'],
    userAnnotation: 'config.linkerd.io/proxy-uid',
    defaultUser: 2102,
  },
]

export interface ProxyUser {
  uid: number
  /** Read from the pod, not assumed. */
  isGiven: boolean
}

/**
 * The user that our programs must run as, because a mesh redirects the traffic of all others to a proxy that is not up
 * before the app containers are; undefined where any user will do. That is so also where the redirect is written
 * after our first gate and the proxy is a native sidecar, up before our next. `pod` is without any of ours.
 *
 * The mesh's webhook may come after ours; the API server then calls us again, as it changed the pod.
 */
export function proxyUser(pod: Pod): ProxyUser | undefined {
  const inits = new Map((pod.spec.initContainers ?? []).map(c => [c.name, c]))
  const apps = new Map(pod.spec.containers.map(c => [c.name, c]))
  const mesh = MESHES.find(
    ({ proxy, redirect, injectedAnnotation }) =>
      apps.has(proxy) || inits.has(proxy) || inits.has(redirect) || pod.metadata.annotations?.[injectedAnnotation],
  )
  if (!mesh) return undefined
  const redirect = inits.get(mesh.redirect)
  const proxy = inits.get(mesh.proxy) ?? apps.get(mesh.proxy)
  if (redirect && inits.get(mesh.proxy)?.restartPolicy === 'Always') return undefined
  const given =
    userOption(redirect, mesh.userOptions) ??
    userOf(mesh.userAnnotation && pod.metadata.annotations?.[mesh.userAnnotation]) ??
    userOf(proxy?.securityContext?.runAsUser)
  return { uid: given ?? mesh.defaultUser, isGiven: given !== undefined }
}

/** Of a list of users (`-u 1337,1338`) the first. */
function userOption(container: Container | undefined, options: readonly string[]): number | undefined {
  const words = [container?.command, container?.args].flatMap(list => (Array.isArray(list) ? list : []))
  for (const [index, word] of words.entries()) {
    const [option = '', value = words[index + 1]] = String(word).split('=', 2)
    if (options.includes(option)) return userOf(String(value).split(',', 1)[0])
  }
  return undefined
}

/** Root is no user for a gate, which must not run as it: the kubelet would never start it. */
function userOf(value: unknown): number | undefined {
  const user = /^[1-9]\d{0,9}$/.test(String(value)) ? Number(value) : Number.NaN
  return user < 2 ** 31 ? user : undefined
}
