import type { Builder } from '../../release/image/build-image.ts'
import type { PackageSource } from '../../release/image/native-module.ts'
import { ROOT } from '../../release/repository.ts'
import { run, succeeds } from './command.ts'
import { npmOrStandIn } from './native-stand-in.ts'
import { type ReleaseBases, releaseBases } from './release-bases.ts'
import { withReleaseBuilder } from './release-builder.ts'
import type { Log } from './step-cache.ts'

/** How this machine builds for several platforms. */
export interface ReleaseMeans {
  builder: Builder
  source: PackageSource
  /** Where the Dockerfile's own cannot be pulled. */
  bases?: ReleaseBases
}

/** The docker provider has buildx and can pull; the local one makes all of it. */
export async function withReleaseMeans<T>(
  { provider, env: base }: { provider: 'local' | 'docker'; env: NodeJS.ProcessEnv },
  use: (means: ReleaseMeans) => Promise<T>,
  log: Log,
): Promise<T> {
  const source = npmOrStandIn(ROOT, log)
  if (provider === 'local') {
    const bases = await releaseBases()
    return withReleaseBuilder(builder => use({ builder, bases, source }))
  }
  const name = 'startgate-e2e-release'
  const env = { ...base, BUILDX_BUILDER: name }
  const create = ['docker', 'buildx', 'create', '--name', name, '--driver', 'docker-container']
  await run([...create, '--driver-opt', 'network=host'], { env: base })
  try {
    return await use({ builder: { env }, source })
  } finally {
    await succeeds(['docker', 'buildx', 'rm', name], { env: base })
  }
}
