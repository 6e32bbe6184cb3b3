import { expect, test } from 'vitest'
import { judge } from './access.ts'
import { pageQuery } from './query.ts'

const WHERE = { port: 4000, token: 'sesame' }
const asked = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  judge({ method, url, headers: { host: '127.0.0.1:4000', ...headers } }, WHERE)

test.each([
  ['the page', asked('/sesame/'), { path: '', query: '' }],
  ['a file of it', asked('/sesame/page.js'), { path: 'page.js', query: '' }],
  ['what it asks for', asked('/sesame/events?scope=a%2Fb'), { path: 'events', query: 'scope=a%2Fb' }],
  ['by the other name', asked('/sesame/', { host: 'localhost:4000' }), { path: '', query: '' }],
  [
    'its own requests',
    asked('/sesame/line', { origin: 'http://127.0.0.1:4000', 'sec-fetch-site': 'same-origin' }),
    { path: 'line', query: '' },
  ],
  [
    'a link in a chat',
    asked('/sesame/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
    { path: '', query: '' },
  ],
])('answers %s', (_, verdict, want) => {
  expect(verdict).toEqual(want)
})

test.each<[string, ReturnType<typeof judge>, number]>([
  ['a wrong token', asked('/sesamy/'), 404],
  ['a part of it', asked('/sesam/'), 404],
  ['more than it', asked('/sesamee/'), 404],
  ['no token', asked('/'), 404],
  ['no slash after it, where links would lead elsewhere', asked('/sesame'), 404],
  ['a path of many parts', asked('/sesame/a/../b'), 200],
  ['another host, as after DNS rebinding', asked('/sesame/', { host: 'evil.example:4000' }), 421],
  ['another port of this host', asked('/sesame/', { host: '127.0.0.1:80' }), 421],
  ['no host', asked('/sesame/', { host: '' }), 421],
  ['another origin', asked('/sesame/events', { origin: 'http://evil.example' }), 403],
  ['an origin that hides', asked('/sesame/events', { origin: 'null' }), 403],
  ['a page of another site', asked('/sesame/page.js', { 'sec-fetch-site': 'cross-site' }), 403],
  ['a page of another port', asked('/sesame/events', { 'sec-fetch-site': 'same-site' }), 403],
  [
    'a picture of another site',
    asked('/sesame/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }),
    403,
  ],
  ['what would change something', asked('/sesame/', {}, 'POST'), 405],
])('refuses %s', (_, verdict, status) => {
  // A path that names no file is refused by who knows the files.
  if (status === 200) expect(verdict).toEqual({ path: 'a/../b', query: '' })
  else expect(verdict).toMatchObject({ status })
})

test('a page may narrow down, and only inside the namespace the program was started for', () => {
  expect(pageQuery('', undefined)).toEqual({ limit: 1_000 })
  expect(pageQuery('scope=node%2Fa', undefined)).toEqual({ limit: 1_000, scope: 'node/a' })
  expect(pageQuery('namespace=shop&pod=x', 'shop')).toEqual({ limit: 1_000, namespace: 'shop', pod: 'x' })
  expect(pageQuery('', 'shop')).toEqual({ limit: 1_000, namespace: 'shop' })
  for (const text of ['namespace=ops', 'limit=5', 'watch=1', 'scope=', `pod=${'x'.repeat(601)}`])
    expect(pageQuery(text, 'shop'), text.slice(0, 20)).toBeUndefined()
})
