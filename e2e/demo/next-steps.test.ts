import { expect, test } from 'vitest'
import { nextSteps } from './next-steps.ts'

const herd = { namespace: 'demo-starts', deployment: 'web', pods: 16, limit: 2 }

test('three commands for whoever has kept the cluster', () => {
  const lines = nextSteps(herd, { name: 'startgate', isDefault: true, kept: true })
  expect(lines.filter(line => line.startsWith('  kubectl'))).toEqual([
    '  kubectl scale -n demo-starts deployment/web --replicas=32',
    '  kubectl get events -n demo-starts --field-selector reason=StartgateWaiting',
    '  kubectl annotate namespace demo-starts --overwrite startgate.dev/max-starting=3',
  ])
  expect(lines).toContain('  eval "$(npm run -s cluster:up)"')
})

test('a cluster of another name is named, and one that is gone is not spoken of as there', () => {
  expect(nextSteps(herd, { name: 'big', isDefault: false, kept: true })[1]).toBe(
    '  eval "$(npm run -s cluster:up -- --name big)"',
  )
  const gone = nextSteps(herd, { name: 'startgate', isDefault: true, kept: false })
  expect(gone[0]).toContain('npm run demo -- --keep')
})
