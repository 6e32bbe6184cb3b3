import { expect, test } from 'vitest'
import { VERSION } from '../core/version.ts'
import { ran } from './testing/made-io.ts'

const cases: Record<string, { args: string[]; want: { code: number; out?: RegExp; err?: RegExp } }> = {
  'help names every verb and the exit codes': { args: ['--help'], want: { code: 0, out: /lint.*completion.*Exit codes: 0/s } },
  'help of a verb shows what all take': { args: ['lint', '--help'], want: { code: 0, out: /--filename.*--context/s } },
  'the version': { args: ['version'], want: { code: 0, out: new RegExp(`^kubectl-startgate ${VERSION}\n$`) } },
  'the version as JSON, asked for after the verb': { args: ['version', '-o', 'json'], want: { code: 0, out: /^\{\n {2}"version": "/ } },
  'nothing at all is not understood': { args: [], want: { code: 2, err: /Usage: kubectl startgate/ } },
  'a verb that there is not': { args: ['lnit'], want: { code: 2, err: /unknown command 'lnit'.*lint/s } },
  'an option that there is not': { args: ['lint', '-f', 'x', '--what'], want: { code: 2, err: /unknown option '--what'/ } },
  'a format that there is not': { args: ['version', '-o', 'xml'], want: { code: 2, err: /Allowed choices are json, yaml/ } },
  'a file that there is not': { args: ['lint', '-f', '/no/such'], want: { code: 2, err: /^error: \/no\/such cannot be read: .*\n$/ } },
  'a shell that there is not': { args: ['completion', 'fish'], want: { code: 2, err: /Allowed choices are bash, zsh/ } },
  'a verb is completed': { args: ['__complete', 'li'], want: { code: 0, out: /^lint\n:4\n$/ } },
  'an option of the verb and of all': { args: ['__complete', 'lint', '--'], want: { code: 0, out: /^--config\n--context\n--filename\n(.*\n)+:4\n$/ } },
  'file names, behind -f and another file': { args: ['__complete', 'lint', '-f', 'a', ''], want: { code: 0, out: /^:0\n$/ } },
  'the choices of an option': { args: ['__complete', '-o', ''], want: { code: 0, out: /^json\nyaml\n:4\n$/ } },
  'what is not typed yet may look like anything': { args: ['__complete', '--help', ''], want: { code: 0, out: /lint\n/ } },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', async (_, { args, want }) => {
  const { code, out, err } = await ran(args)
  expect(code).toBe(want.code)
  expect(out).toMatch(want.out ?? /^$/)
  expect(err).toMatch(want.err ?? /^$/)
})

const POD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: "a\\e[31m"}\nspec: {containers: [{name: c, image: i}]}\n'
const terminals: Record<string, { isTerminal: boolean; env: Record<string, string>; want: boolean }> = {
  'on a terminal': { isTerminal: true, env: {}, want: true },
  'not into a pipe': { isTerminal: false, env: {}, want: false },
  'not with NO_COLOR': { isTerminal: true, env: { NO_COLOR: '1' }, want: false },
  'not on a dumb terminal': { isTerminal: true, env: { TERM: 'dumb' }, want: false },
}
test.each(Object.entries(terminals))('colours are shown %s', async (_, { want, ...io }) => {
  const { out } = await ran(['lint', '-f', '-'], { stdin: POD, ...io })
  expect(out.includes('\u001b[32mgated')).toBe(want)
  expect(out).toContain('default/a?[31m')
})
