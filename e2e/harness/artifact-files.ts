import { basename, join } from 'node:path'

/** What vitest knows of a test as its task. */
export interface FailedTest {
  name: string
  file: { name: string }
}

/** A file for whoever looks into a failure, below the folder of all artefacts, and what kubectl is asked for it. */
export interface ArtifactFile {
  path: string
  args: string[]
}

const LOGS = ['--all-containers', '--prefix', '--timestamps', '--tail=-1', '--ignore-errors']

/** Files of one namespace of a failed test; it may have several. */
export function artifactFiles({ name, file }: FailedTest, namespace: string, systemNamespace: string): ArtifactFile[] {
  const folder = join(basename(file.name), name.replace(/[^\w.-]+/g, '-').slice(0, 100), namespace)
  const wanted: Record<string, string[]> = {
    'pods.yaml': ['get', 'pods', '-n', namespace, '-o', 'yaml'],
    'objects.txt': ['get', 'all,leases', '-n', namespace, '-o', 'wide'],
    'events.txt': ['get', 'events', '-n', namespace, '--sort-by=.metadata.creationTimestamp'],
    'logs.txt': ['logs', '-n', namespace, '-l', 'app', ...LOGS],
    'namespace.yaml': ['get', 'namespace', namespace, '-o', 'yaml'],
    'nodes.txt': ['describe', 'nodes'],
    'system-objects.txt': ['get', 'all,leases', '-n', systemNamespace, '-o', 'wide'],
    'system-events.txt': ['get', 'events', '-n', systemNamespace],
    'system-logs.txt': ['logs', '-n', systemNamespace, '-l', 'app.kubernetes.io/name=startgate', ...LOGS],
  }
  return Object.entries(wanted).map(([path, args]) => ({ path: join(folder, path), args }))
}
