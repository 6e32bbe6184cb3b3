import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorsIn, brokenLinks, linksIn } from './links.ts'

const ROOT = join(import.meta.dirname, '..', '..')

/** Every page of the repository's root, of docs/ and of e2e/cluster/, by its path. */
function pagesOf(): Map<string, string> {
  const paths = [
    ...readdirSync(ROOT),
    ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map(file => `docs/${file}`),
    'e2e/cluster/README.md',
  ].filter(path => path.endsWith('.md'))
  return new Map(paths.map(path => [path, readFileSync(join(ROOT, path), 'utf8')]))
}

test('no relative link of any page leads nowhere', () => {
  const pages = pagesOf()
  expect([...pages.keys()]).toEqual(expect.arrayContaining(['README.md', 'docs/index.md', 'CONTRIBUTING.md']))
  expect(brokenLinks(pages, path => existsSync(join(ROOT, path)))).toEqual([])
})

test('every page of docs/ can be reached from its index', () => {
  const pages = pagesOf()
  const listed = linksIn(pages.get('docs/index.md') ?? '').map(link => `docs/${link.split('#')[0]}`)
  const all = [...pages.keys()].filter(path => path.startsWith('docs/') && path !== 'docs/index.md')
  expect(all.filter(path => !listed.includes(path))).toEqual([])
})

describe('a link', () => {
  const broken = (text: string) =>
    brokenLinks(
      new Map([
        ['docs/page.md', text],
        ['docs/other.md', '# Other page\n\n## What is it?\n\n```\n# no heading\n```\n## Twice\n## Twice\n'],
      ]),
      path => ['docs', 'docs/page.md', 'docs/other.md', 'docs/sub/file.yaml', 'README.md'].includes(path),
    )
  const cases: Record<string, [string, string[]]> = {
    'to a file that is there': ['[a](other.md), [b](sub/file.yaml), [c](../README.md), [d](./other.md)', []],
    'to a heading': ['[a](other.md#what-is-it) [b](other.md#twice-1)', []],
    'to a heading of its own page': ['# Here\n[a](#here)', []],
    'to another site is not looked at': ['[a](https://example.com/nothing) [b](mailto:a@example.com)', []],
    'in code is none': ['`[a](no.md)`\n```\n[b](no.md)\n```', []],
    'with a link for its text': ['[![badge](no.png)](other.md)', []],
    'to no file': ['[a](no.md)', ['docs/page.md: no.md: there is no such file']],
    'to no heading': ['[a](other.md#nothing)', ['docs/page.md: other.md#nothing: there is no such heading']],
    'to a comment in a block': [
      '[a](other.md#no-heading)',
      ['docs/page.md: other.md#no-heading: there is no such heading'],
    ],
    'to no heading of its own page': ['[a](#nothing)', ['docs/page.md: #nothing: there is no such heading']],
    'with an anchor to what is no page': [
      '[a](sub/file.yaml#L3)',
      ['docs/page.md: sub/file.yaml#L3: only a page has anchors'],
    ],
    'out of the repository': ['[a](../../etc)', ['docs/page.md: ../../etc: leads out of the repository']],
  }
  test.each(Object.entries(cases))('%s', (_, [text, want]) => {
    expect(broken(text)).toEqual(want)
  })
})

test('anchors are those that GitHub makes', () => {
  const text = '# `helm test` fails\n## A slot, a gate: what?\n### [A link](x.md) here\n## depends_on\n'
  expect([...anchorsIn(text)]).toEqual(['helm-test-fails', 'a-slot-a-gate-what', 'a-link-here', 'depends_on'])
})
