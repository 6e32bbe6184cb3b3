import { expect, test } from 'vitest'
import { mountsBelow } from './mounts.ts'

const MOUNTINFO = `21 1 254:0 / / rw - ext4 /dev/root rw
30 21 0:5 / /cache/run/exec rw - tmpfs tmpfs rw
31 21 0:6 / /cache/run/exec/netns/one\\040two rw - nsfs nsfs rw
32 21 0:7 / /cache/running rw - tmpfs tmpfs rw`

test('mountsBelow finds the folder itself and what is below it, deepest first, and no neighbour', () => {
  expect(mountsBelow(['/cache/run'], MOUNTINFO)).toEqual(['/cache/run/exec/netns/one two', '/cache/run/exec'])
})
