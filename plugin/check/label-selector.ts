import type { LabelSelector } from './facts.ts'

type Labels = Readonly<Record<string, string>>

/** Whether a selector takes an object with these labels. An empty one takes all. Source: metav1.LabelSelector. */
export function selects({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (matchExpressions ?? []).every(expression => holds(expression, labels))
  )
}

function holds(
  { key, operator, values = [] }: NonNullable<LabelSelector['matchExpressions']>[number],
  labels: Labels,
): boolean {
  const value = labels[key]
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    default:
      return operator === 'DoesNotExist' && value === undefined
  }
}
