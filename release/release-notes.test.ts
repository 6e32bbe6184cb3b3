import { expect, test } from 'vitest'
import { releaseNotes } from './release-notes.ts'
import { changelog } from './repository.ts'

const CHANGELOG = `# Changelog

Words before.

## [Unreleased]

## [1.1.0] - 2026-11-29

### Added

- One thing.
  And more of it.

### Fixed

- Another, see [docs](docs/index.md).

## [1.0.0] - 2026-01-02

- The first.

## [0.9.0]

- Without a date.

[1.1.0]: https://example.com/compare/v1.0.0...v1.1.0
`

test('the section of a version is cut out, without its heading and the links at the end', () => {
  expect(releaseNotes(CHANGELOG, '1.1.0')).toEqual({
    text: '### Added\n\n- One thing.\n  And more of it.\n\n### Fixed\n\n- Another, see [docs](docs/index.md).',
    date: '2026-11-29',
  })
  expect(releaseNotes(CHANGELOG, '1.0.0').text).toBe('- The first.')
})

test.each([
  ['a version that is not there', '1.2.0', CHANGELOG, 'no section for 1.2.0: rename "## [Unreleased]" to "## [1.2.0]'],
  ['a version that is the beginning of another', '1.1', CHANGELOG, 'no section for 1.1'],
  ['one without a date', '0.9.0', CHANGELOG, '"## [0.9.0]" has no valid date; use "## [0.9.0] - YYYY-MM-DD"'],
  ['a date that is none', '1.0.0', '## [1.0.0] - 2026-13-01\n\n- A.\n', 'has no valid date'],
  ['one without entries', '1.0.0', '## [1.0.0] - 2026-01-01\n\n### Added\n\n## [0.9.0]\n- A.\n', 'has no entries'],
  [
    'two of one version',
    '1.0.0',
    '## [1.0.0] - 2026-01-01\n\n- A.\n## [1.0.0] - 2026-01-02\n- B.\n',
    '2 sections for 1.0.0',
  ],
])('%s is refused', (_, version, text, message) => {
  expect(() => releaseNotes(text, version)).toThrow(message)
})

test('the changelog of this clone becomes notes once its Unreleased section is named', async () => {
  const named = (await changelog()).replace('## [Unreleased]', '## [99.0.0] - 2026-11-29')
  expect(releaseNotes(named, '99.0.0').text).toMatch(/^### Added/m)
})
