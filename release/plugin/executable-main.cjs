// What Node.js starts in an executable of the plugin: the program of the npm package, byte for byte, which is inside as
// an asset. Node.js 24 starts only CommonJS there, and what it starts may import only Node's own modules. So the program
// is given to the module loader under an address beside the executable, and a module of one line imports it.
const { createRequire, registerHooks } = require('node:module')
const { getAsset } = require('node:sea')
const { pathToFileURL } = require('node:url')

const program = pathToFileURL(`${process.execPath}.mjs`).href
const importer = pathToFileURL(`${process.execPath}.cjs`).href

const SOURCES = new Map([
  [program, () => ({ format: 'module', source: getAsset('program', 'utf8') })],
  [importer, () => ({ format: 'commonjs', source: 'module.exports = url => import(url)' })],
])

registerHooks({
  resolve: (specifier, context, next) =>
    SOURCES.has(specifier) ? { url: specifier, shortCircuit: true } : next(specifier, context),
  load: (url, context, next) => {
    const source = SOURCES.get(url)
    return source ? { ...source(), shortCircuit: true } : next(url, context)
  },
})

// The name it was started by, which kubectl chooses for completion; execPath is where the links end.
process.argv[1] = process.argv0
createRequire(process.execPath)(importer)(program).catch(error => {
  console.error(error)
  process.exitCode = 1
})
