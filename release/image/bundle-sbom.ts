import type { LockedPackage } from './native-module.ts'

/** What package-lock.json says of a package. */
export interface LockedWithLicense extends LockedPackage {
  /** Where it is another than the folder's. */
  name?: string
  license?: string
}

interface Component {
  type: 'library' | 'application'
  'bom-ref': string
  name: string
  group?: string
  version: string
  purl: string
  hashes?: { alg: 'SHA-512'; content: string }[]
  licenses?: ({ license: { id: string } } | { expression: string })[]
}

/** A CycloneDX document, as far as it is written here. */
export interface Sbom {
  $schema: string
  bomFormat: 'CycloneDX'
  specVersion: '1.6'
  version: 1
  metadata: { component: Component }
  components: Component[]
}

const NODE_MODULES = 'node_modules/'
const SHA512 = 'sha512-'

/**
 * The bill of materials of bundles: scanners find npm packages by their package.json, which bundling takes away.
 * `folders` are those of the packages, as package-lock.json names them. There is no serial number and no date, so that
 * equal bundles have an equal one. Throws for a folder that the lock file does not have.
 */
export function bundleSbom(
  product: { name: string; version: string; license: string },
  folders: readonly string[],
  locked: Readonly<Record<string, LockedWithLicense>>,
): Sbom {
  const components = [...new Set(folders)].map(folder => {
    const found = locked[folder]
    if (found === undefined) throw new Error(`${folder} is bundled but not in package-lock.json; run: npm ci`)
    const name = found.name ?? folder.slice(folder.lastIndexOf(NODE_MODULES) + NODE_MODULES.length)
    return componentOf('library', { ...found, name })
  })
  const unique = new Map(components.map(component => [component.purl, component]))
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: componentOf('application', product) },
    components: [...unique.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
  }
}

function componentOf(type: Component['type'], found: LockedWithLicense & { name: string }): Component {
  const { name, version, license, integrity } = found
  const [group, base] = name.startsWith('@') ? name.split('/', 2) : [undefined, name]
  // https://github.com/package-url/purl-spec: the @ of a scope is percent-encoded.
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return {
    type,
    'bom-ref': purl,
    ...(group !== undefined && { group }),
    name: base ?? name,
    version,
    purl,
    ...(integrity?.startsWith(SHA512) && {
      hashes: [
        { alg: 'SHA-512' as const, content: Buffer.from(integrity.slice(SHA512.length), 'base64').toString('hex') },
      ],
    }),
    // An expression may be one license, an id must not be an expression.
    ...(license !== undefined && {
      licenses: [/[ (]/.test(license) ? { expression: license } : { license: { id: license } }],
    }),
  }
}
