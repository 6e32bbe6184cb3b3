const HEADING = /^## +\[([^\]]+)\]/
const LINK = /^\[[^\]]+\]: /

/** The entries of one version. */
export interface Notes {
  /** Markdown, without the heading of the version. */
  text: string
  /** As YYYY-MM-DD. */
  date: string
}

/**
 * Cuts the section of a version out of a changelog in the form of https://keepachangelog.com/en/1.1.0/. Throws when
 * there is none, none with a date, one without entries, or more than one.
 */
export function releaseNotes(changelog: string, version: string): Notes {
  const lines = changelog.split('\n')
  const starts = lines.flatMap((line, index) => (HEADING.exec(line)?.[1] === version ? [index] : []))
  const [start] = starts
  if (start === undefined)
    throw new Error(
      `CHANGELOG.md has no section for ${version}: rename "## [Unreleased]" to "## [${version}] - YYYY-MM-DD"`,
    )
  if (starts.length > 1) throw new Error(`CHANGELOG.md has ${starts.length} sections for ${version}: make one of them`)
  const date = / - (\d{4}-\d{2}-\d{2})\s*$/.exec(lines[start] ?? '')?.[1]
  if (date === undefined || Number.isNaN(Date.parse(date)))
    throw new Error(`CHANGELOG.md: "${lines[start]}" has no valid date; use "## [${version}] - YYYY-MM-DD"`)
  const rest = lines.slice(start + 1)
  const end = rest.findIndex(line => line.startsWith('## ') || LINK.test(line))
  const text = (end < 0 ? rest : rest.slice(0, end)).join('\n').trim()
  if (!/^[-*] /m.test(text)) throw new Error(`CHANGELOG.md: the section for ${version} has no entries`)
  return { text, date }
}
