import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { versions } from './versions.ts'

const root = join(import.meta.dirname, '..', '..')

test('the product image is built from images by digest, with the Node that it is tested with', async () => {
  const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8')
  const bases = [...dockerfile.matchAll(/^ARG \w+=(.*)$/gm)].map(([, image]) => image)
  expect(bases).toEqual([versions.productNode, versions.productBusybox])
  for (const image of bases) expect(image).toMatch(/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/)
  const { devDependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  expect(versions.productNode).toContain(`node:${devDependencies.node}-`)
})
