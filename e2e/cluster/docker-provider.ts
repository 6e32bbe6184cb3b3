import { delimiter } from 'node:path'
import { run, succeeds } from './command.ts'
import { clusterPaths } from './paths.ts'
import type { Provider } from './provider-model.ts'
import { Progress } from './step-cache.ts'
import { installTools } from './tools.ts'
import { versions } from './versions.ts'

/** kind's own node image; STARTGATE_NODE_IMAGE names another, for instance of another Kubernetes version. */
export function kindNodeImage(): string {
  return process.env.STARTGATE_NODE_IMAGE ?? versions.kindNodeImage
}

function env(): NodeJS.ProcessEnv {
  // The Dockerfile is plain enough for the classic builder, which then behaves the same everywhere.
  return {
    ...process.env,
    PATH: [clusterPaths().bin, process.env.PATH].join(delimiter),
    DOCKER_BUILDKIT: process.env.DOCKER_BUILDKIT ?? '1',
  }
}

async function pull(ref: string): Promise<string> {
  if (!(await succeeds(['docker', 'image', 'inspect', ref]))) await run(['docker', 'pull', '-q', ref])
  return ref
}

/** Uses the Docker daemon that runs already, and official images. */
export const dockerProvider: Provider = {
  kind: 'docker',
  env,
  async prepare(log) {
    const progress = new Progress(log, 3)
    await progress.step('kind, helm, kubectl', () => installTools())
    const node = await progress.step('node image', () => pull(kindNodeImage()))
    return progress.step('app and registry images', async () => {
      const images = { registry: await pull(versions.registryImage), nginx: await pull(versions.nginxImage) }
      return { node, app: await pull(versions.busyboxImage), ...images }
    })
  },
  async productBase() {
    return { base: await pull(versions.productNode), busybox: await pull(versions.productBusybox) }
  },
}
