import { mkdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { run, succeeds } from './command.ts'
import { afterLine, compileText, NOTHING_COMPILED } from './compile-progress.ts'
import { DEFAULT_PATH, removeOtherTags, writeImageArchive, writeLayer } from './image-archive.ts'
import { cached, contentHash, type Report, scratch } from './step-cache.ts'
import { versions } from './versions.ts'

const source = join(import.meta.dirname, 'node-image')

/** Environment in which `go` is found also where only its usual place has it. */
export function goEnv(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [process.env.PATH, '/usr/local/go/bin'].join(delimiter) }
}

/** Makes the all-in-one Kubernetes binary from Go modules; 6 to 12 minutes when Go's own cache is cold. */
export async function kubeBinary(report?: Report): Promise<string> {
  const hash = contentHash([versions.kubernetes], [join(source, 'kube')])
  const dir = await cached('kube', hash, async into => {
    if (!(await succeeds(['go', 'version'], { env: goEnv() }))) {
      throw new Error('Go is missing: install Go 1.26 or newer, or run a Docker daemon that can pull images')
    }
    let state = NOTHING_COMPILED
    report?.(() => compileText(state, performance.now()))
    const takesLine = (line: string) => {
      const next = afterLine(state, line, performance.now())
      state = next ?? state
      return next !== undefined
    }
    const build = [join(source, 'kube', 'build.sh'), versions.kubernetes, join(into, 'kube')]
    await run(build, { env: goEnv(), takesLine })
  })
  return join(dir, 'kube')
}

/** Makes Debian's root tree for a node. */
export async function rootTree(): Promise<string> {
  const files = [join(source, 'root-tree.sh'), join(source, 'packages.txt')]
  const dir = await cached('root-tree', contentHash([versions.debianSuite], files), async into => {
    await run([join(source, 'root-tree.sh'), versions.debianSuite, join(into, 'tree')])
  })
  return join(dir, 'tree')
}

/** Makes the node image in the daemon that `env` names, unless it is there. Returns its name. */
export async function nodeImage(env: NodeJS.ProcessEnv): Promise<string> {
  const ref = `startgate-e2e/node:${contentHash([kubeImageNames(), versions.pauseTag, versions.debianSuite], [source])}`
  if (await succeeds(['docker', 'image', 'inspect', ref], { env })) return ref
  const [kube, root] = [await kubeBinary(), await rootTree()]
  await scratch('node-image', async work => {
    await makeNodeArchive(kube, root, work, ref)
    await run(['docker', 'load'], { env, inputFile: join(work, 'node.tar') })
  })
  await removeOtherTags(ref, env)
  return ref
}

async function makeNodeArchive(kube: string, root: string, work: string, ref: string): Promise<void> {
  const images = join(work, 'images')
  const tree = join(work, 'tree')
  await mkdir(images)
  await run([join(source, 'system-images.sh'), kube, root, images])
  await archive(images, 'kube', { Entrypoint: ['/usr/local/bin/coredns'] }, kubeImageNames())
  await archive(images, 'pause', { Entrypoint: ['/pause'] }, [`registry.k8s.io/pause:${versions.pauseTag}`])
  await run(['cp', '-a', root, tree])
  const archives = ['kube.tar', 'pause.tar'].map(name => join(images, name))
  await run([join(source, 'node-tree.sh'), kube, tree, versions.kubernetes, work, ...archives])
  await writeLayer(tree, join(work, 'node.layer'), true)
  // systemd's own stop signal, without which `docker stop` would wait for its time-out.
  const config = {
    Entrypoint: ['/usr/local/bin/entrypoint', '/sbin/init'],
    Env: ['container=docker', DEFAULT_PATH],
    StopSignal: 'SIGRTMIN+3',
  }
  await writeImageArchive(join(work, 'node.tar'), join(work, 'node.layer'), [ref], config)
}

async function archive(dir: string, name: string, config: { Entrypoint: string[] }, names: string[]): Promise<void> {
  await writeLayer(join(dir, name), join(dir, `${name}.layer`))
  await writeImageArchive(join(dir, `${name}.tar`), join(dir, `${name}.layer`), names, config)
}

function kubeImageNames(): string[] {
  const components = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy']
  return [
    ...components.map(name => `registry.k8s.io/${name}:v${versions.kubernetes}`),
    `registry.k8s.io/etcd:${versions.etcdTag}`,
    `registry.k8s.io/coredns/coredns:${versions.corednsTag}`,
    'localhost/podnet:1',
  ]
}
