import { expect, test } from 'vitest'
import { buildImage, buildxArguments, type ImageBuild } from './build-image.ts'

const BUILD: ImageBuild = {
  version: '1.2.3',
  revision: '0a1b',
  committedAt: 1_700_000_000,
  source: 'https://example.com/owner/startgate',
  archs: ['amd64', 'arm64'],
  to: { push: 'registry.example/owner/startgate:1.2.3' },
}
const outputOf = (to: ImageBuild['to']): string | undefined =>
  buildxArguments({ ...BUILD, to }, '.', 'm.json').find(argument => argument.startsWith('--output='))

test('one build for all platforms, with the time of the commit and no attestation that holds another', () => {
  expect(buildxArguments(BUILD, '.', 'm.json')).toEqual([
    'build',
    '.',
    '--platform=linux/amd64,linux/arm64',
    '--provenance=false',
    '--sbom=false',
    '--build-arg=SOURCE_DATE_EPOCH=1700000000',
    '--label=org.opencontainers.image.title=startgate',
    '--label=org.opencontainers.image.version=1.2.3',
    '--label=org.opencontainers.image.revision=0a1b',
    '--label=org.opencontainers.image.licenses=Apache-2.0',
    '--label=org.opencontainers.image.source=https://example.com/owner/startgate',
    '--metadata-file=m.json',
    '--output=type=image,name=registry.example/owner/startgate:1.2.3,push=true,rewrite-timestamp=true,oci-mediatypes=true',
  ])
})

test('HTTP only for who asks for it, and a folder instead of a registry', () => {
  expect(outputOf({ push: 'localhost:5000/s:1', insecure: true })).toContain(',registry.insecure=true,')
  expect(outputOf({ layout: '/out' })).toBe(
    '--output=type=oci,dest=/out,tar=false,rewrite-timestamp=true,oci-mediatypes=true',
  )
})

test('other base images take the place of the Dockerfile’s', () => {
  const bases = { node: '/bases/node@sha256:1', busybox: '/bases/busybox@sha256:2' }
  const found = buildxArguments({ ...BUILD, bases, fresh: true }, '.', 'm.json').filter(a => /base|cache/.test(a))
  expect(found).toEqual([
    '--build-arg=BASE_IMAGE=release-base-node',
    '--build-arg=BUSYBOX_IMAGE=release-base-busybox',
    '--build-context=release-base-node=oci-layout:///bases/node@sha256:1',
    '--build-context=release-base-busybox=oci-layout:///bases/busybox@sha256:2',
    '--no-cache',
  ])
})

test('a builder that fails is named, with what it said last', async () => {
  const command = ['sh', '-c', 'echo "unknown flag: --platform" >&2; exit 125', 'docker']
  await expect(buildImage(BUILD, '.', { command })).rejects.toThrow(/cannot build the image: unknown flag: --platform$/)
})
