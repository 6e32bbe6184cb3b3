import { MAX_LIMIT, type StateQuery } from '../../core/state-api.ts'

const PARAMETERS = ['namespace', 'pod', 'scope'] as const

/**
 * What a page asks the leader for. `only`: the one namespace that the program was started for. Undefined for anything
 * the page never asks; values are the leader's to judge.
 */
export function pageQuery(text: string, only: string | undefined): StateQuery | undefined {
  const query: StateQuery = { limit: MAX_LIMIT, ...(only !== undefined && { namespace: only }) }
  for (const [name, value] of new URLSearchParams(text)) {
    const parameter = PARAMETERS.find(known => known === name)
    if (parameter === undefined || value === '' || value.length > 600) return undefined
    if (parameter === 'namespace' && only !== undefined && value !== only) return undefined
    query[parameter] = value
  }
  return query
}
