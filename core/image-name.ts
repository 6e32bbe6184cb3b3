/**
 * The full form of an image reference, as `node.status.images` lists it: `nginx` → `docker.io/library/nginx:latest`.
 * A digest wins over a tag. Source: distribution/reference, ParseDockerRef and FamiliarName.
 */
export function fullImageName(reference: string): string {
  const [beforeDigest = '', digest] = reference.split('@', 2)
  const slash = beforeDigest.indexOf('/')
  const first = slash < 0 ? '' : beforeDigest.slice(0, slash)
  const hasRegistry = first.includes('.') || first.includes(':') || first === 'localhost'
  const registry = hasRegistry ? first : 'docker.io'
  let path = hasRegistry ? beforeDigest.slice(slash + 1) : beforeDigest
  if (registry === 'docker.io' && !path.includes('/')) path = `library/${path}`
  const colon = path.lastIndexOf(':')
  const hasTag = colon > path.lastIndexOf('/')
  const repository = hasTag ? path.slice(0, colon) : path
  if (digest) return `${registry}/${repository}@${digest}`
  return `${registry}/${repository}:${hasTag ? path.slice(colon + 1) : 'latest'}`
}

/** The registry of an image's full name. */
export function registryOf(fullName: string): string {
  return fullName.slice(0, fullName.indexOf('/'))
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
