import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { CHART, helm } from '../charts/helm.ts'

/** The chart's values with the image of a release in place of one that the user has built. Comments stay. */
export function releasedValues(values: string, imageRepository: string): string {
  const document = parseDocument(values)
  if (document.getIn(['image', 'repository']) === undefined) throw new Error('values.yaml has no image.repository')
  document.setIn(['image', 'repository'], imageRepository)
  return document.toString({ lineWidth: 0 })
}

export interface ChartRelease {
  version: string
  /** Without a tag: that is the chart's appVersion. */
  imageRepository: string
  /** Folder that takes the archive. */
  into: string
}

/** Packages the chart as it is published; returns the archive, `startgate-VERSION.tgz`. */
export async function packageChart({ version, imageRepository, into }: ChartRelease): Promise<string> {
  const staged = join(into, 'chart', 'startgate')
  await rm(staged, { recursive: true, force: true })
  await cp(CHART, staged, { recursive: true })
  const values = join(staged, 'values.yaml')
  await writeFile(values, releasedValues(await readFile(values, 'utf8'), imageRepository))
  await mkdir(into, { recursive: true })
  await helm(['package', staged, '--version', version, '--app-version', version, '--destination', into])
  await rm(join(into, 'chart'), { recursive: true })
  return join(into, `startgate-${version}.tgz`)
}

/** Pushes an archive to a repository, `oci://HOST/PATH`; returns the digest, which is what is signed. */
export async function pushChart(archive: string, repository: string, plainHttp = false): Promise<string> {
  const said = await helm(['push', archive, repository, ...(plainHttp ? ['--plain-http'] : [])])
  return digestIn(said)
}

/** helm has no other way to tell: `Digest: sha256:…`, on a line of its own. */
export function digestIn(said: string): string {
  const digest = /^Digest:\s+(sha256:[0-9a-f]{64})$/m.exec(said)?.[1]
  if (digest === undefined) throw new Error(`helm push says no digest: ${said.trim()}`)
  return digest
}
