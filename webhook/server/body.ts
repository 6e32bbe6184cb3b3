/** A pod's own fields have a dozen levels. What is done with them here, comparing and copying, recurses. */
const MOST_LEVELS = 100

/** The value in the JSON text of a request. Throws SyntaxError when it is not JSON or more than 100 levels deep. */
export function parseBody(text: string): unknown {
  if (isDeep(text)) throw new SyntaxError(`it is more than ${MOST_LEVELS} levels deep`)
  return JSON.parse(text)
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_MAP, CLOSE_MAP] = [34, 92, 91, 93, 123, 125]

/** Looked at in the text, since already JSON.parse takes long over millions of levels. */
function isDeep(text: string): boolean {
  let levels = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === OPEN_LIST || code === OPEN_MAP) levels++
    else if (code === CLOSE_LIST || code === CLOSE_MAP) levels--
    if (levels > MOST_LEVELS) return true
  }
  return false
}

/** Where the string ends that begins at `at`; the end of the text if nowhere. */
function endOfString(text: string, at: number): number {
  let end = at + 1
  while (end < text.length && text.charCodeAt(end) !== QUOTE) end += text.charCodeAt(end) === BACKSLASH ? 2 : 1
  return end
}
