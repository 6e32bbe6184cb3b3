import { expect, test } from 'vitest'
import { artifactFiles } from './artifact-files.ts'

const failed = { name: 'a/b: 2 pods wait', file: { name: 'e2e/suites/limits.e2e.ts' } }
const files = (namespace: string) => artifactFiles(failed, namespace, 'startgate-system')

test('of each namespace of a test the files are kept, in a folder of its own', () => {
  const paths = ['t-shop-1', 't-shop-2', 't-mail-3'].flatMap(namespace => files(namespace).map(({ path }) => path))
  expect(new Set(paths).size).toBe(paths.length)
  expect(paths).toContain('limits.e2e.ts/a-b-2-pods-wait/t-shop-1/pods.yaml')
})

test('files tell of the namespace, or of the system', () => {
  const asked = files('t-shop-1').map(({ args }) => args.join(' '))
  expect(asked).toContain('get pods -n t-shop-1 -o yaml')
  expect(asked).toContain('get events -n startgate-system')
})
