import { type ClusterConfig, parseClusterConfig } from '../../core/cluster-config.ts'
import { InvalidConfigError } from '../../core/config-reader.ts'
import { isObject } from '../../core/is-object.ts'
import { VERSION } from '../../core/version.ts'
import { unusable } from '../model/failure.ts'
import { checkKnown, configOf, mergedValues } from './chart-config.ts'
import { chartDefaults } from './chart-defaults.ts'
import { mappingOf, readText } from './yaml-file.ts'

export interface SettingsOptions {
  /** Values files of the chart, the last one wins. */
  values?: string[]
  /** A config.json, or the ConfigMap startgate-config that holds it. */
  config?: string
  /** Of startgate, where `config` does not say. */
  startgateNamespace?: string
}

const DEFAULT_NAMESPACE = 'startgate-system'

/** The cluster's settings: of `config`, else of the chart's defaults and `values`. Throws Failure. */
export function clusterSettings(options: SettingsOptions): ClusterConfig {
  if (options.config !== undefined && options.values !== undefined)
    throw unusable('--config and --values are both given; use one of them')
  if (options.config !== undefined) return checked(configText(options.config), options.config)
  const defaults = mappingOf(chartDefaults(), 'values.yaml') ?? {}
  const files = options.values ?? []
  let values = defaults
  for (const file of files) {
    const given = mappingOf(readText(file), file)
    if (!given) throw unusable(`${file} is not a YAML mapping; use values of the chart, like "limits: {…}"`)
    checkKnown(defaults, given, file)
    values = mergedValues(values, given)
  }
  const namespace = options.startgateNamespace ?? DEFAULT_NAMESPACE
  const text = JSON.stringify(configOf(values, { namespace, appVersion: VERSION }))
  return checked(text, files.length > 0 ? files.join(', ') : "the chart's defaults")
}

/** As `kubectl get configmap startgate-config -o yaml` prints it, or the file in it alone. */
function configText(file: string): string {
  const text = readText(file)
  const value = mappingOf(text, file)
  const data = isObject(value?.data) ? value.data['config.json'] : undefined
  return typeof data === 'string' ? data : JSON.stringify(value ?? null)
}

function checked(text: string, from: string): ClusterConfig {
  try {
    return parseClusterConfig(text)
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error
    const [first, ...others] = error.problems.map(problem => problem.message)
    throw unusable(`${from}: ${first}${others.length > 0 ? ` (and ${others.length} more like this)` : ''}`)
  }
}
