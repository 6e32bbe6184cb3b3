import { annotationKey } from './annotations.ts'
import type { InvalidValueError } from './errors.ts'

/** What is in force of an object's annotations, and what is wrong with them now. */
export interface SettingsFold<T> {
  settings: T
  problems: InvalidValueError[]
}

/**
 * Folds what an object's annotations say now into what was in force: good values replace, absent ones clear, and a bad
 * value keeps the last good one of its field, so that a typing mistake neither lifts a limit nor freezes anything.
 * `before` must have no fields but settings: an unknown annotation is a problem too, and could name any other.
 */
export function keepLastGood<T extends object>(
  before: T | undefined,
  { settings, problems }: SettingsFold<T>,
): SettingsFold<T> {
  const bad = new Set(problems.map(problem => problem.field))
  const kept = Object.entries(before ?? {}).filter(([field]) => bad.has(annotationKey(field)))
  return { settings: { ...Object.fromEntries(kept), ...settings }, problems }
}
