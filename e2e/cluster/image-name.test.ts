import { expect, test } from 'vitest'
import { fullImageName } from './image-name.ts'

test.each([
  ['startgate:dev', 'docker.io/library/startgate:dev'],
  ['busybox', 'docker.io/library/busybox:latest'],
  ['startgate-e2e/app:1', 'docker.io/startgate-e2e/app:1'],
  ['registry.test:5000/web', 'registry.test:5000/web:latest'],
  ['registry.test:5000/web:1', 'registry.test:5000/web:1'],
  ['localhost/podnet:1', 'localhost/podnet:1'],
])('%s is kept as %s', (ref, want) => {
  expect(fullImageName(ref)).toBe(want)
})
