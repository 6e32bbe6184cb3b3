/** The text of Markdown pages by their paths from the repository's root, like `docs/index.md`. */
export type Pages = ReadonlyMap<string, string>

const LINK = /\[(?:[^[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)/g
const HEADING = /^#{1,6} +(.+?) *#*$/gm
const SCHEME = /^[a-z][a-z0-9+.-]*:/i

/** Without fenced blocks and inline code, in which brackets are no links. */
const prose = (text: string): string => text.replace(/^ *```[\s\S]*?^ *```$/gm, '').replace(/`[^`\n]*`/g, 'code')

/**
 * Targets of all links to other places of this repository, as they are written: `../index.md#a-heading`. Links to other
 * sites are left out.
 */
export function linksIn(text: string): string[] {
  return [...prose(text).matchAll(LINK)].flatMap(([, target = '']) => (SCHEME.test(target) ? [] : [target]))
}

/** Anchors that GitHub makes of a page's headings; of equal ones the second gets `-1`, and so on. */
export function anchorsIn(text: string): Set<string> {
  const withoutBlocks = text.replace(/^ *```[\s\S]*?^ *```$/gm, '')
  const anchors = new Set<string>()
  const seen = new Map<string, number>()
  for (const [, heading = ''] of withoutBlocks.matchAll(HEADING)) {
    const anchor = anchorOf(heading)
    const count = seen.get(anchor) ?? 0
    seen.set(anchor, count + 1)
    anchors.add(count === 0 ? anchor : `${anchor}-${count}`)
  }
  return anchors
}

/** Lower case, blanks as dashes, without punctuation and without the markup of links and code. */
function anchorOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-')
}

/**
 * One line for each relative link that leads nowhere: `docs/index.md: missing.md: there is no such file`. `exists` says
 * whether a path from the root is a file or folder.
 */
export function brokenLinks(pages: Pages, exists: (path: string) => boolean): string[] {
  return [...pages].flatMap(([page, text]) =>
    linksIn(text).flatMap(link => {
      const problem = problemOf(link, page, { pages, exists })
      return problem === undefined ? [] : [`${page}: ${link}: ${problem}`]
    }),
  )
}

function problemOf(
  link: string,
  page: string,
  { pages, exists }: { pages: Pages; exists: (path: string) => boolean },
): string | undefined {
  const [path = '', anchor] = link.split('#', 2)
  const target = path === '' ? page : resolved(page, path)
  if (target === undefined) return 'leads out of the repository'
  if (!exists(target)) return 'there is no such file'
  if (anchor === undefined) return undefined
  const text = pages.get(target)
  if (text === undefined) return 'only a page has anchors'
  return anchorsIn(text).has(anchor) ? undefined : 'there is no such heading'
}

/** Path from the root of what a page links to; undefined outside of the repository. */
function resolved(page: string, link: string): string | undefined {
  const parts = page.split('/').slice(0, -1)
  for (const part of link.split('/')) {
    if (part === '..' && parts.pop() === undefined) return undefined
    if (part !== '..' && part !== '.' && part !== '') parts.push(part)
  }
  return parts.join('/')
}
