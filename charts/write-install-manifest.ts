import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { installManifest } from './install-manifest.ts'

// npm run manifest -- --set image.repository=… --set image.tag=…
const folder = join(import.meta.dirname, '..', 'dist')
await mkdir(folder, { recursive: true })
await writeFile(join(folder, 'install.yaml'), await installManifest(process.argv.slice(2)))
process.stdout.write('dist/install.yaml\n')
