/** The name under which containerd keeps an image that a user calls `ref`. */
export function fullImageName(ref: string): string {
  const [first = '', ...rest] = ref.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const hosted = hasHost ? ref : `docker.io/${rest.length > 0 ? ref : `library/${ref}`}`
  return /[:@][^/]+$/.test(hosted) ? hosted : `${hosted}:latest`
}
