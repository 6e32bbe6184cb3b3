import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from './cluster-status.ts'
import { run } from './command.ts'
import { fullImageName } from './image-name.ts'
import { execOnNode } from './nodes.ts'

const CTR = ['ctr', '-n', 'k8s.io', 'images']

/** Copies an image from the Docker daemon into every node's containerd; a node that has it already is left alone. */
export async function loadImage(cluster: Cluster, ref: string): Promise<void> {
  const id = (await run(['docker', 'image', 'inspect', '-f', '{{.Id}}', ref], { env: cluster.env })).stdout.trim()
  const name = fullImageName(ref)
  const lacking: string[] = []
  for (const node of cluster.nodes) {
    const images = await listImages(cluster, node.name)
    const has = images.find(image => image.ref === id)
    if (has === undefined || images.find(image => image.ref === name)?.digest !== has.digest) lacking.push(node.name)
  }
  if (lacking.length === 0) return
  const dir = await mkdtemp(join(tmpdir(), 'startgate-image-'))
  try {
    const file = join(dir, 'image.tar')
    await run(['docker', 'save', '-o', file, ref], { env: cluster.env })
    const load = ['import', '--snapshotter=overlayfs', '-']
    await Promise.all(
      lacking.map(node => run(['docker', 'exec', '-i', node, ...CTR, ...load], { env: cluster.env, inputFile: file })),
    )
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** Takes an image out of a node's containerd under all its names, so that the next pod there has to pull it. */
export async function removeImage(cluster: Cluster, node: string, ref: string): Promise<void> {
  const images = await listImages(cluster, node)
  const digest = images.find(image => image.ref === fullImageName(ref))?.digest
  if (digest === undefined) return
  const names = images.filter(image => image.digest === digest).map(image => image.ref)
  await execOnNode(cluster, node, [...CTR, 'rm', '--sync', ...names])
}

/** Every name in a node's containerd with the digest it points to. An image has one name that is its own id. */
export async function listImages(cluster: Cluster, node: string): Promise<{ ref: string; digest: string }[]> {
  const { stdout } = await execOnNode(cluster, node, [...CTR, 'ls'])
  return stdout
    .trim()
    .split('\n')
    .slice(1)
    .map(line => {
      const [ref = '', , digest = ''] = line.split(/\s+/)
      return { ref, digest }
    })
}
