import type { Command } from 'commander'
import type { ClusterConfig } from '../../core/cluster-config.ts'
import { clusterSettings } from '../manifest/cluster-settings.ts'
import { MOST_OBJECTS, type Objects, objectsIn } from '../manifest/objects.ts'
import { readSources } from '../manifest/source-files.ts'
import { unusable } from '../model/failure.ts'
import type { Io } from '../model/io.ts'
import { type GlobalOptions, globalOptions } from './global-options.ts'

interface ManifestOptions {
  filename: string[]
  values?: string[]
  config?: string
}

/** Options of the verbs that read manifests and ask no cluster. */
export function addManifestOptions(command: Command): Command {
  return command
    .requiredOption('-f, --filename <FILE...>', 'files, folders, or - for standard input')
    .option('--values <FILE...>', "values of the chart, over its defaults, as for helm's -f")
    .option('--config <FILE>', 'the ConfigMap startgate-config of a cluster, or the config.json in it')
}

export interface Manifests {
  objects: Objects
  config: ClusterConfig
  /** Of objects that name none. */
  namespace: string
  format: GlobalOptions['format']
}

/** Reads what the options name. Throws Failure. */
export async function readManifests(options: ManifestOptions, command: Command, io: Io): Promise<Manifests> {
  const { format, namespace = 'default', startgateNamespace } = globalOptions(command)
  const config = clusterSettings({ ...options, ...(startgateNamespace !== undefined && { startgateNamespace }) })
  const objects = objectsIn(await readSources(options.filename, io))
  if (objects.found.length > MOST_OBJECTS)
    throw unusable(`the files have more than ${MOST_OBJECTS} objects; use fewer at a time`)
  return { objects, config, namespace, format }
}
