import { describe, expect, test } from 'vitest'
import { versionsHere } from './repository.ts'
import { isPrerelease, publishedNames, versionOfTag, versionProblems } from './version.ts'

describe('a release tag', () => {
  test.each([
    ['v1.2.3', '1.2.3'],
    ['v0.1.0-rc.1', '0.1.0-rc.1'],
    ['v10.20.30-alpha', '10.20.30-alpha'],
  ])('%s names %s', (tag, version) => expect(versionOfTag(tag)).toBe(version))

  test.each(['1.2.3', 'v1.2', 'v01.2.3', 'v1.2.3+build', 'v1.2.3-', 'v1.2.3\n', 'vv1.2.3', 'v1.2.3;reboot', ''])(
    '%j is none',
    tag => expect(() => versionOfTag(tag)).toThrow('is not a valid release tag; use v and a version, like v1.2.3'),
  )

  test('with a word after the version is published, but not as the latest', () => {
    expect(['1.2.3', '1.2.3-rc.1'].map(isPrerelease)).toEqual([false, true])
  })
})

test('every place that says another version is named, with what to write', () => {
  const versions = {
    'package.json': '1.2.3',
    'core/version.ts': '1.2.2',
    'Chart.yaml version': '1.2.3',
    'Chart.yaml appVersion': '1.2.1',
  }
  expect(versionProblems('1.2.3', versions)).toEqual([
    'core/version.ts says "1.2.2", and the release is "1.2.3": write "1.2.3" there',
    'Chart.yaml appVersion says "1.2.1", and the release is "1.2.3": write "1.2.3" there',
  ])
})

test('this clone says one version everywhere', async () => {
  const versions = await versionsHere()
  expect(versionProblems(versions['package.json'], versions)).toEqual([])
})

test('names in the registry are those of the repository, in lower case', () => {
  expect(publishedNames('https://github.com/Some-Owner/Startgate')).toEqual({
    image: 'ghcr.io/some-owner/startgate',
    charts: 'ghcr.io/some-owner/charts',
  })
  for (const source of [
    'github.com/a/b',
    'https://github.com/a',
    'https://github.com/a/b/c',
    'https://github.com/a/b c',
  ])
    expect(() => publishedNames(source)).toThrow('is not the address of a repository; use one like https://github.com/')
})
