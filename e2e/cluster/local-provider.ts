import { daemonEnv, startDaemon } from './daemon.ts'
import { installMissingPackages } from './debian.ts'
import { appImage, nodeBaseImage, registryImage } from './debian-images.ts'
import { kubeBinary, nodeImage, rootTree } from './node-image.ts'
import type { Provider } from './provider-model.ts'
import { Progress } from './step-cache.ts'
import { installTools } from './tools.ts'

/** Makes everything on this machine, from Go modules, npm and Debian packages; for where no image can be pulled. */
export const localProvider: Provider = {
  kind: 'local',
  env: daemonEnv,
  async prepare(log) {
    const progress = new Progress(log, 7)
    await progress.step('Debian packages', installMissingPackages)
    await progress.step('kind, helm, kubectl', () => installTools({ docker: '/usr/bin/docker' }))
    await progress.step('Kubernetes binary', kubeBinary)
    await progress.step('Debian root tree', rootTree)
    await progress.step('Docker daemon', startDaemon)
    const env = daemonEnv()
    const node = await progress.step('node image', () => nodeImage(env))
    return progress.step('app and registry images', async () => {
      const registry = await registryImage(env)
      return { node, app: await appImage(env), registry, nginx: registry }
    })
  },
  async productBase() {
    return { base: await nodeBaseImage(daemonEnv()), busybox: await appImage(daemonEnv()) }
  },
}
