#!/usr/bin/env node
import { basename } from 'node:path'
import { processIo } from './process-io.ts'
import { run } from './program.ts'

// kubectl runs this name to complete `kubectl startgate …`.
const isCompletion = basename(process.argv[1] ?? '') === 'kubectl_complete-startgate'
const args = process.argv.slice(2)
process.exitCode = await run(isCompletion ? ['__complete', ...args] : args, processIo())
