/** A rule of a Role or ClusterRole, as far as it is about resources. */
export interface AccessRule {
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
  verbs: string[]
}

/** What is bound to who asks: in all of the cluster, and by RoleBindings. */
export interface AccessRules {
  cluster: readonly AccessRule[]
  namespaces: Readonly<Record<string, readonly AccessRule[]>>
}

const PATH = /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/
const VERBS: Record<string, string> = { GET: 'get', POST: 'create', PATCH: 'patch', DELETE: 'delete' }

/**
 * For tests: whether the API server would let a request through by these rules (RBAC). A port-forward over a WebSocket
 * is a get, as on servers before 1.35. Source: apiserver, requestinfo.go.
 */
export function isAllowed({ cluster, namespaces }: AccessRules, method: string, url: string): boolean {
  const path = url.split('?')[0] ?? ''
  const [, group = '', namespace, main = '', name, sub] = PATH.exec(path) ?? []
  const resource = sub === undefined ? main : `${main}/${sub}`
  const isList = method === 'GET' && name === undefined
  const verb = isList ? 'list' : VERBS[method]
  // A RoleBinding grants nothing that is in no namespace.
  const rules = [...cluster, ...(namespace === undefined ? [] : (namespaces[namespace] ?? []))]
  return rules.some(
    rule =>
      rule.apiGroups?.includes(group) === true &&
      rule.resources?.includes(resource) === true &&
      (rule.resourceNames === undefined || (name !== undefined && rule.resourceNames.includes(name))) &&
      verb !== undefined &&
      rule.verbs.includes(verb),
  )
}
