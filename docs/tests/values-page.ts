import { isMap, isPair, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml'

/** One value of the chart. */
export interface ChartValue {
  /** `limits.cluster.maxStarting` */
  path: string
  /** As JSON. */
  value: string
  /** The comment above it, as one line; empty where there is none. */
  comment: string
}

/**
 * Every value of a values.yaml in its order, and before them those that hold others and have a comment of their own,
 * with an empty `value`. Throws when the text is not a YAML map.
 */
export function valuesIn(text: string): ChartValue[] {
  const document = parseDocument(text)
  if (document.errors[0]) throw document.errors[0]
  if (!isMap(document.contents)) throw new Error('values.yaml is not a map')
  return valuesOf(document.contents, '')
}

function valuesOf(map: YAMLMap, prefix: string): ChartValue[] {
  return map.items.flatMap((pair, index) => {
    const path = `${prefix}${keyOf(pair)}`
    // The comment of a map's first key is kept by the map.
    const comment = commentOf(pair) || (index === 0 && prefix !== '' ? lined(map.commentBefore) : '')
    if (!isMap(pair.value) || isWhole(pair.value)) return [{ path, value: JSON.stringify(plain(pair.value)), comment }]
    return [...(comment ? [{ path, value: '', comment }] : []), ...valuesOf(pair.value, `${path}.`)]
  })
}

/** Whether a map is a value of its own: written in one line, empty, or with keys that are no names of values. */
const isWhole = (map: YAMLMap): boolean =>
  map.flow === true || map.items.length === 0 || map.items.some(pair => !/^\w+$/.test(keyOf(pair)))

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : ''
}

function commentOf(pair: Pair): string {
  return isPair(pair) && isScalar(pair.key) ? lined(pair.key.commentBefore) : ''
}

/** Of several paragraphs the last is about the value, the others about what follows as a whole. */
function lined(comment: string | null | undefined): string {
  const paragraphs = (comment ?? '').split(/\n\s*\n/)
  return (paragraphs.at(-1) ?? '')
    .split('\n')
    .map(line => line.trim())
    .join(' ')
    .trim()
}

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'toJSON' in value ? (value.toJSON as () => unknown)() : value
}

const HEAD = `# Chart values

Every value of the chart \`charts/startgate\` with its default. A value that is not listed is refused by the chart's schema.
Written by \`node docs/tests/write-values-page.ts\` from
[values.yaml](../../charts/startgate/values.yaml); change the comments there.

| value | default | meaning |
| --- | --- | --- |
`

/** docs/reference/values.md for the text of a values.yaml. */
export function valuesPage(text: string): string {
  const rows = valuesIn(text).map(
    ({ path, value, comment }) => `| \`${path}\` | ${value && `\`${value}\``} | ${escaped(comment)} |`,
  )
  return `${HEAD}${rows.join('\n')}\n`
}

const escaped = (text: string): string => text.replaceAll('|', '\\|')
