import { annotationKey, type NamespaceSettings } from '../../core/annotations.ts'
import { INJECTION_LABEL } from '../../core/names.ts'
import type { Namespace, Node } from '../../core/pod.ts'
import type { Rate } from '../../core/quantity.ts'
import type { LimitTruth } from './truth.ts'

const UNITS: Record<number, string> = { 1000: 's', 60000: 'min', 3600000: 'h' }

/** Test support. A namespace as the API server has it, with these settings in its annotations. */
export function namespaceObject(name: string, settings: NamespaceSettings): Namespace {
  const annotations = Object.fromEntries(
    Object.entries(settings).map(([field, value]) => [annotationKey(field), written(field, value)]),
  )
  return { metadata: { name, uid: name, labels: { [INJECTION_LABEL]: 'enabled' }, annotations } }
}

function written(field: string, value: string | number | boolean | Rate): string {
  if (value === true) return 'on'
  if (typeof value === 'object') return `${value.count}/${UNITS[value.periodMs]}`
  return field.endsWith('Ms') ? `${value}ms` : `${value}`
}

/** Test support. A node as the API server has it; its annotation beats the chart. */
export function nodeObject(name: string, limits: LimitTruth, images: Iterable<string>): Node {
  const { annotation, pool, cores, isLost } = limits.nodes.get(name) ?? {}
  const annotations = annotation === undefined ? {} : { [annotationKey('maxStartingPerNode')]: `${annotation}` }
  return {
    metadata: { name, annotations, ...(pool !== undefined && { labels: { pool } }) },
    status: {
      capacity: { cpu: `${cores}` },
      conditions: [{ type: 'Ready', status: isLost ? 'Unknown' : 'True' }],
      images: [{ names: [...images] }],
    },
  }
}
