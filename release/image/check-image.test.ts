import { expect, test } from 'vitest'
import { configProblems, imageProblems, type SeenFile } from './check-image.ts'
import type { ImageConfig } from './oci-layout.ts'

const NATIVE = 'app/node_modules/node-unix-socket-linux-arm64-gnu/node-unix-socket.linux-arm64-gnu.node'
const file = (path: string, machine?: SeenFile['machine'], mode = 0o755): SeenFile => ({ path, machine, mode })
const GOOD = [
  file('usr/local/bin/node', 'arm64'),
  file('busybox', 'arm64'),
  file(NATIVE, 'arm64'),
  file('app/gate.mjs'),
  file('etc/shadow', undefined, 0o600),
]
const without = (path: string): SeenFile[] => GOOD.filter(each => each.path !== path)

test.each<[string, SeenFile[], string[]]>([
  ['is whole', GOOD, []],
  [
    'has the builder’s native module',
    [...without(NATIVE), file(NATIVE.replaceAll('arm64', 'x64'), 'amd64')],
    ['arm64: the native module is not there', `arm64: /${NATIVE.replaceAll('arm64', 'x64')} is for amd64`],
  ],
  [
    'has another machine’s busybox',
    [...without('busybox'), file('busybox', 'amd64')],
    ['arm64: /busybox is for amd64'],
  ],
  [
    'has a script for Node.js',
    [...without('usr/local/bin/node'), file('usr/local/bin/node')],
    ['arm64: Node.js is not there'],
  ],
  ['has a library of a third machine', [...GOOD, file('usr/lib/x.so', 'other')], ['arm64: /usr/lib/x.so is for other']],
  [
    'has a program that only root can read',
    [...without('app/gate.mjs'), file('app/gate.mjs', undefined, 0o640)],
    ["arm64: /app/gate.mjs cannot be read by the image's user"],
  ],
])('an image for arm64 that %s', (_, files, problems) => {
  expect(imageProblems('arm64', files)).toEqual(problems)
})

const config = (architecture: string, User?: string): ImageConfig => ({
  architecture,
  os: 'linux',
  config: { ...(User !== undefined && { User }) },
})

test('platforms and users are as they must be', () => {
  const amd64 = { arch: 'amd64' as const, config: config('amd64', '65532:65532') }
  expect(configProblems([amd64], ['amd64'])).toEqual([])
  expect(configProblems([amd64], ['amd64', 'arm64'])).toEqual(['for amd64, not for amd64,arm64'])
  const wrong = { arch: 'arm64' as const, config: config('amd64') }
  expect(configProblems([wrong], ['arm64'])).toEqual(['arm64: the configuration says amd64', 'arm64: runs as root'])
})
