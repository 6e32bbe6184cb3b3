import { mkdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { COMMANDS, OPTION_NAMES, type Options, OUT, USAGE } from './commands.ts'

async function main(): Promise<void> {
  const options = Object.fromEntries(OPTION_NAMES.map(name => [name, { type: 'string' as const }]))
  const { values, positionals } = parseArgs({ allowPositionals: true, options })
  const command = COMMANDS[positionals[0] ?? '']
  if (command === undefined || positionals.length !== 1) throw new Error(USAGE)
  await mkdir(OUT, { recursive: true })
  process.stdout.write(await command(values as Options))
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
