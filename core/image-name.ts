/**
 * The full form of an image reference, as `node.status.images` lists it: `nginx` → `docker.io/library/nginx:latest`.
 * A digest wins over a tag. Host names stay as they are written, as container runtimes keep them: images of one
 * registry under two names of it are two to the kubelet. Source: distribution/reference, ParseDockerRef and
 * splitDockerDomain.
 */
export function fullImageName(reference: string): string {
  const [beforeDigest = '', digest] = reference.split('@', 2)
  const slash = beforeDigest.indexOf('/')
  const first = slash < 0 ? '' : beforeDigest.slice(0, slash)
  // Repositories are lower case, so what is not must be a host.
  const hasRegistry = /[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first
  const registry = !hasRegistry || first === 'index.docker.io' ? 'docker.io' : first
  let path = hasRegistry ? beforeDigest.slice(slash + 1) : beforeDigest
  if (registry === 'docker.io' && !path.includes('/')) path = `library/${path}`
  const colon = path.lastIndexOf(':')
  const hasTag = colon > path.lastIndexOf('/')
  const repository = hasTag ? path.slice(0, colon) : path
  if (digest) return `${registry}/${repository}@${digest}`
  return `${registry}/${repository}:${hasTag ? path.slice(colon + 1) : 'latest'}`
}

/** The registry of an image's full name, as `registryName` writes it. */
export function registryOf(fullName: string): string {
  return registryName(fullName.slice(0, fullName.indexOf('/')))
}

/** Hosts of Docker Hub: as images name it, as it was named before, and where container runtimes look for it. */
const DOCKER_HUB = ['docker.io', 'index.docker.io', 'registry-1.docker.io']

/**
 * One name for all by which a registry can be reached: lower case, as DNS has no other; without the port of HTTPS,
 * where runtimes look first; docker.io for each host of Docker Hub. Source: containerd, core/remotes/docker,
 * DefaultHost.
 */
export function registryName(host: string): string {
  const name = host.toLowerCase().replace(/:0*443$/, '')
  return DOCKER_HUB.includes(name) ? 'docker.io' : name
}

/** The pull policy the kubelet uses when none is written: Always for `:latest` or no tag, else IfNotPresent. */
export function effectivePullPolicy(container: {
  image?: string
  imagePullPolicy?: string
}): 'Always' | 'IfNotPresent' | 'Never' {
  const written = container.imagePullPolicy
  if (written === 'Always' || written === 'IfNotPresent' || written === 'Never') return written
  return fullImageName(container.image ?? '').endsWith(':latest') ? 'Always' : 'IfNotPresent'
}
