import { expect, test } from 'vitest'
import { CommandError, run } from './command.ts'

const SAYS = ['sh', '-c', 'echo one >&2; echo fault >&2; printf last >&2; exit "$CODE"']

function running(code: string, takesLine: (line: string) => boolean) {
  return run(SAYS, { env: { ...process.env, CODE: code }, takesLine })
}

test('each line of standard error is seen, the last without its end too, and what is taken is left out', async () => {
  const seen: string[] = []
  const { stderr } = await running('0', line => seen.push(line) > 0 && line !== 'fault')
  expect(seen).toEqual(['one', 'fault', 'last'])
  expect(stderr).toBe('fault\n')
})

test('what was taken is not in the message of a failure', async () => {
  const fails = running('3', line => line !== 'fault')
  await expect(fails).rejects.toThrow(CommandError)
  await expect(fails).rejects.toThrow(/failed \(3\): fault$/)
})
