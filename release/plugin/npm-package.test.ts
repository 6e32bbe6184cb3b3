import { expect, test } from 'vitest'
import { withRepository } from './npm-package.ts'

test('the package names the repository that it is built in, as npm compares it with the provenance', () => {
  expect(withRepository({ name: 'kubectl-startgate' }, 'https://github.com/owner/startgate')).toEqual({
    name: 'kubectl-startgate',
    homepage: 'https://github.com/owner/startgate#readme',
    repository: { type: 'git', url: 'git+https://github.com/owner/startgate.git' },
    publishConfig: { access: 'public', provenance: true },
  })
})

test('what is no address of a repository is refused', () => {
  for (const address of [
    '',
    'owner/startgate',
    'http://github.com/a/b',
    'https://github.com/a',
    'https://github.com/a/b/c',
  ])
    expect(() => withRepository({}, address)).toThrow('is not the address of a repository')
})
