import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { filesOf, type LayoutImage, readLayout } from '../../release/image/oci-layout.ts'
import { writeOciLayout } from './oci-writer.ts'
import { tarArchive } from './tar.ts'

async function layout(): Promise<{ dir: string; digest: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'oci-writer-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  const images = (['amd64', 'arm64'] as const).map(arch => ({
    arch,
    layer: join(dir, `${arch}.tar`),
    config: { User: '1:1' },
  }))
  for (const { arch, layer } of images)
    await writeFile(layer, tarArchive([{ path: 'bin/program', mode: 0o755, content: Buffer.from(`for ${arch}`) }]))
  return { dir: join(dir, 'layout'), digest: await writeOciLayout(join(dir, 'layout'), images) }
}

const contents = async (dir: string, image: LayoutImage): Promise<string[]> =>
  (await Array.fromAsync(filesOf(dir, image))).map(({ path, content }) => `${path}: ${content}`)

test('what is written for each platform is read again, and is the same for the same layers', async () => {
  const [one, two] = [await layout(), await layout()]
  expect(two.digest).toBe(one.digest)
  const { digest, images } = await readLayout(one.dir)
  expect(digest).toBe(one.digest)
  expect(images.map(({ arch, config }) => [arch, config.architecture, config.config.User])).toEqual([
    ['amd64', 'amd64', '1:1'],
    ['arm64', 'arm64', '1:1'],
  ])
  const found = await Promise.all(images.map(image => contents(one.dir, image)))
  expect(found).toEqual([['bin/program: for amd64'], ['bin/program: for arm64']])
})

test('a manifest that somebody has changed is refused', async () => {
  const { dir } = await layout()
  const blobs = join(dir, 'blobs', 'sha256')
  for (const name of await readdir(blobs)) {
    const text = await readFile(join(blobs, name), 'utf8')
    if (text.includes('"layers":[{')) await writeFile(join(blobs, name), text.replace('"size":', '"size": '))
  }
  await expect(readLayout(dir)).rejects.toThrow(/the blob sha256:\w+ has the digest sha256:\w+$/)
})

test('an image for one platform alone is not taken for one of several', async () => {
  const { dir } = await layout()
  const index = JSON.parse(await readFile(join(dir, 'index.json'), 'utf8'))
  const [{ digest }] = JSON.parse(
    await readFile(join(dir, 'blobs', ...index.manifests[0].digest.split(':')), 'utf8'),
  ).manifests
  await writeFile(join(dir, 'index.json'), JSON.stringify({ manifests: [{ digest }] }))
  await expect(readLayout(dir)).rejects.toThrow('holds an image for one platform, not an index of images')
})
