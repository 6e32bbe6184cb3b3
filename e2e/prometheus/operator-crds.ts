import type { Kubectl, Manifest } from '../harness/kubectl.ts'

const GROUP = 'monitoring.coreos.com'
const KINDS = { podmonitors: 'PodMonitor', prometheusrules: 'PrometheusRule' }

/** Stands in for the operator's own definition: it takes any field. */
function crd([plural, kind]: [string, string]): Manifest {
  const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  }
}

const CRDS = Object.entries(KINDS).map(crd)
const names = CRDS.map(({ metadata }) => `crd/${metadata.name}`)

/** Makes a cluster in which the chart may make PodMonitors and PrometheusRules. */
export async function addOperatorCrds(kubectl: Kubectl): Promise<void> {
  await kubectl.apply(CRDS)
  await kubectl.run(['wait', '--for=condition=Established', '--timeout=60s', ...names])
}

/** With all objects of these kinds; helm can delete its own only while the kinds are there. */
export async function removeOperatorCrds(kubectl: Kubectl): Promise<void> {
  await kubectl.run(['delete', ...names, '--ignore-not-found'])
}
