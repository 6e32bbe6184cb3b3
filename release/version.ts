/** Where the version stands, each with what it says there. */
export interface Versions {
  'package.json': string
  'core/version.ts': string
  'Chart.yaml version': string
  'Chart.yaml appVersion': string
}

// https://semver.org, without build metadata: a tag of an image cannot have its plus sign.
const SEMVER = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/

/** The version that a tag like `v1.2.3` or `v1.2.3-rc.1` names. Throws for any other tag. */
export function versionOfTag(tag: string): string {
  const version = tag.slice(1)
  if (!tag.startsWith('v') || !SEMVER.test(version))
    throw new Error(`"${tag}" is not a valid release tag; use v and a version, like v1.2.3 or v1.2.3-rc.1`)
  return version
}

/** One that comes before the release: it is published, but never as the latest. */
export const isPrerelease = (version: string): boolean => version.includes('-')

/** By the order of semver, where a version that comes before a release is below it. Throws for what is no version. */
export function isAbove(version: string, other: string): boolean {
  const [mine, theirs] = [numbersOf(version), numbersOf(other)]
  const first = mine.findIndex((number, i) => number !== theirs[i])
  if (first >= 0) return (mine[first] ?? 0) > (theirs[first] ?? 0)
  return !isPrerelease(version) && isPrerelease(other)
}

function numbersOf(version: string): number[] {
  const [, ...numbers] = SEMVER.exec(version) ?? []
  if (numbers.length === 0) throw new Error(`"${version}" is not a version; use one like 1.2.3`)
  return numbers.slice(0, 3).map(Number)
}

/** One line for each place that says another version than the one to be released. */
export function versionProblems(version: string, versions: Versions): string[] {
  return Object.entries(versions).flatMap(([place, says]) =>
    says === version ? [] : [`${place} says "${says}", and the release is "${version}": write "${version}" there`],
  )
}

/** Where a release is published, without a tag. */
export interface PublishedNames {
  image: string
  /** Of the registry's charts; this one is below it. */
  charts: string
}

const REGISTRY = 'ghcr.io'

/** By the address of a repository like https://github.com/OWNER/NAME. Names in a registry are in lower case. */
export function publishedNames(source: string): PublishedNames {
  const [, owner, name] = /^https:\/\/[^/]+\/([\w.-]+)\/([\w.-]+)$/.exec(source.toLowerCase()) ?? []
  if (owner === undefined || name === undefined)
    throw new Error(`"${source}" is not the address of a repository; use one like https://github.com/OWNER/NAME`)
  return { image: `${REGISTRY}/${owner}/${name}`, charts: `${REGISTRY}/${owner}/charts` }
}
