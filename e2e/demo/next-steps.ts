interface KeptHerd {
  namespace: string
  deployment: string
  pods: number
  limit: number
}

interface KeptCluster {
  name: string
  isDefault: boolean
  /** Whether it is still there. */
  kept: boolean
}

/** How to go on by hand, as lines: three commands on the gated herd that `-- --keep` leaves. */
export function nextSteps(herd: KeptHerd, { name, isDefault, kept }: KeptCluster): string[] {
  const { namespace, deployment, pods, limit } = herd
  const of = isDefault ? '' : ` -- --name ${name}`
  return [
    kept ? 'To go on:' : 'To go on, after npm run demo -- --keep, which leaves the cluster up:',
    `  eval "$(npm run -s cluster:up${of})"`,
    `  kubectl scale -n ${namespace} deployment/${deployment} --replicas=${pods * 2}`,
    `      # ${pods} pods more, which wait: kubectl get pods -n ${namespace}`,
    `  kubectl get events -n ${namespace} --field-selector reason=StartgateWaiting`,
    '      # why each waits, and at which place',
    `  kubectl annotate namespace ${namespace} --overwrite startgate.dev/max-starting=${limit + 1}`,
    `      # one more at a time, at once; with ${pods} they would be killed again`,
  ]
}
