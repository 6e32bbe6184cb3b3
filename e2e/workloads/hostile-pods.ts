import { formatSequence } from '../../core/sequence.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { pod } from '../harness/pod-templates.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'

interface GatedContainer {
  name: string
  image: string
  [field: string]: unknown
}

/** A pod with our gates in it, as the webhook makes it. */
export interface GatedPod extends Manifest {
  spec: { initContainers: GatedContainer[]; containers: [GatedContainer]; [field: string]: unknown }
}

const LISTED = 130_000
const IMAGE_LENGTH = 270_000

/** An image reference that every validation of the API server takes and no container runtime can. */
export const LONG_IMAGE = `${'x'.repeat(IMAGE_LENGTH - ':1'.length)}:1`

/**
 * What the webhook makes of such a pod, with the gates of this very release: their token, CA and address are real.
 * Nothing is stored, and nothing in it says where it was made. It opts out, so that no webhook looks at it again,
 * whatever is changed.
 */
export async function gatedPod(
  namespace: TestNamespace,
  name: string,
  work: { image: string; node: string },
): Promise<GatedPod> {
  const spec = { automountServiceAccountToken: false, serviceAccountName: 'default' }
  const { metadata, ...made } = (await namespace.dryRun(pod(name, { ...work, spec }))) as GatedPod
  const { labels, annotations = {} } = metadata
  const optedOut = { ...labels, 'startgate.dev/inject': 'false' }
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: optedOut, annotations }, spec: made.spec }
}

/**
 * With an agent whose sequence lists one container 130,000 times: 508 KiB, which no kernel passes to a program. The
 * agent comes after the gates, which ask all the same.
 */
export function withEndlessSequence(gated: GatedPod): GatedPod {
  const [app] = gated.spec.containers
  const sequence = formatSequence({
    stages: [{ gate: 'startgate-start', containers: Array<string>(LISTED).fill('a'), dependsOn: [] }],
    readiness: { a: { type: 'simple' } },
  })
  const agent = {
    name: 'startgate',
    image: app.image,
    restartPolicy: 'Always',
    command: ['sleep', '3600'],
    env: [{ name: 'STARTGATE_SEQUENCE', value: sequence }],
  }
  const containers: GatedPod['spec']['containers'] = [{ ...app, name: 'a' }]
  return { ...gated, spec: { ...gated.spec, initContainers: [...gated.spec.initContainers, agent], containers } }
}

/** With gates alone before an app of LONG_IMAGE: what the pull gate asks for is that image. */
export function withLongImage(gated: GatedPod): GatedPod {
  const [app] = gated.spec.containers
  const initContainers = gated.spec.initContainers.filter(({ name }) => !name.startsWith('startgate-image-'))
  return { ...gated, spec: { ...gated.spec, initContainers, containers: [{ ...app, image: LONG_IMAGE }] } }
}
