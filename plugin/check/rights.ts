import type { ApiTransport } from '../../core/kube/transport.ts'

/** A question to the API server about whoever asks. */
export interface Right {
  verb: string
  /** `pods`, `pods/portforward`. */
  resource: string
  group?: string
  /** All namespaces, or not in one, where absent. */
  namespace?: string
  name?: string
}

/** What `check` reads. */
export function rightsToRead(startgateNamespace: string): Right[] {
  const own = { namespace: startgateNamespace }
  return [
    {
      verb: 'get',
      group: 'admissionregistration.k8s.io',
      resource: 'mutatingwebhookconfigurations',
      name: 'startgate',
    },
    { verb: 'list', resource: 'namespaces' },
    { verb: 'list', resource: 'pods' },
    { verb: 'list', group: 'networking.k8s.io', resource: 'networkpolicies' },
    { verb: 'get', group: 'apps', resource: 'deployments', ...own },
    { verb: 'get', group: 'apps', resource: 'daemonsets', ...own },
    { verb: 'list', group: 'discovery.k8s.io', resource: 'endpointslices', ...own },
    { verb: 'list', resource: 'pods', ...own },
    { verb: 'get', resource: 'pods/portforward', ...own },
    { verb: 'get', group: 'coordination.k8s.io', resource: 'leases', name: 'startgate-leader', ...own },
    { verb: 'get', resource: 'configmaps', name: 'startgate-config', ...own },
  ]
}

/** What `helm install` of the chart writes, of each kind one. */
export function rightsToInstall(startgateNamespace: string): Right[] {
  const own = { namespace: startgateNamespace }
  return [
    // The chart looks at its labels: nodes' waiters may be forbidden there.
    { verb: 'get', resource: 'namespaces', name: startgateNamespace },
    { verb: 'create', group: 'admissionregistration.k8s.io', resource: 'mutatingwebhookconfigurations' },
    { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterroles' },
    { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'clusterrolebindings' },
    { verb: 'create', group: 'rbac.authorization.k8s.io', resource: 'roles', ...own },
    { verb: 'create', group: 'apps', resource: 'deployments', ...own },
    { verb: 'create', group: 'apps', resource: 'daemonsets', ...own },
    { verb: 'create', group: 'policy', resource: 'poddisruptionbudgets', ...own },
    { verb: 'create', resource: 'services', ...own },
    { verb: 'create', resource: 'serviceaccounts', ...own },
    { verb: 'create', resource: 'secrets', ...own },
  ]
}

/** Those that whoever asks does not have, in words. Empty too when the API server does not tell. */
export async function missingRights(transport: ApiTransport, rights: readonly Right[]): Promise<string[]> {
  const answers = await Promise.all(rights.map(right => isAllowed(transport, right).catch(() => undefined)))
  return rights.flatMap((right, index) => (answers[index] === false ? [shownRight(right)] : []))
}

async function isAllowed(transport: ApiTransport, { resource, ...right }: Right): Promise<boolean> {
  const [main, subresource] = resource.split('/')
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes: { ...right, resource: main, ...(subresource && { subresource }) } },
  }
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const { status } = await transport.request<{ status?: { allowed?: boolean } }>({ method: 'POST', path, body })
  return status?.allowed === true
}

function shownRight({ verb, resource, group, namespace, name }: Right): string {
  const what = `${verb} ${resource}${group ? `.${group}` : ''}${name ? ` ${name}` : ''}`
  return namespace ? `${what} in ${namespace}` : what
}
