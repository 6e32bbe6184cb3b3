import { beforeAll, describe, expect, test } from 'vitest'
import { APP_IMAGE } from '../cluster/cluster.ts'
import type { Manifest } from '../harness/kubectl.ts'
import { namespaceFor, openSession, type Session } from '../harness/session.ts'
import type { TestNamespace } from '../harness/test-namespace.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'

const SLACK = { 'max-starting': '50', 'max-starting-per-node': '50' }
const SERVES = "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"

let session: Session
beforeAll(async () => {
  session = await openSession()
})

interface JobWork {
  annotations?: Record<string, string>
  /** Shell programs by container, in the pod's order. */
  programs: Record<string, string>
  restartPolicy?: 'Never' | 'OnFailure'
}

/** The spec of a Job that may fail once. */
function jobSpec({ annotations = {}, programs, restartPolicy = 'Never' }: JobWork) {
  const prefixed = Object.entries(annotations).map(([key, value]) => [`startgate.dev/${key}`, value])
  const containers = Object.entries(programs).map(([name, program]) => ({
    name,
    image: APP_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', program],
  }))
  return {
    backoffLimit: 1,
    template: {
      metadata: { annotations: Object.fromEntries(prefixed) },
      spec: { restartPolicy, terminationGracePeriodSeconds: 2, containers },
    },
  }
}

function job(name: string, work: JobWork): Manifest {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name }, spec: jobSpec(work) }
}

interface SeenJob {
  metadata: { name: string }
  status?: {
    conditions?: { type: string; status: string; reason?: string }[]
    failed?: number
    succeeded?: number
  }
}

/** How the Job ended: the condition with its reason, and how many of its pods failed and succeeded. */
async function endOf(namespace: TestNamespace, name: string) {
  return waitFor(
    `Job ${name} has ended`,
    async () => {
      const { status } = await namespace.get<SeenJob>(['job', name])
      const end = status?.conditions?.find(c => (c.type === 'Failed' || c.type === 'Complete') && c.status === 'True')
      return end && { type: end.type, reason: end.reason, failed: status?.failed ?? 0, done: status?.succeeded ?? 0 }
    },
    limits.jobDone,
  )
}

describe('a Job with an order ends as it would without us', () => {
  const helper = { 'depends-on': 'worker: [db]\n', helpers: 'db' }
  const pipeline = { 'depends-on': 'report: {worker: completed}\n' }
  const jobs: Record<string, JobWork> = {
    'helper-3': { annotations: helper, programs: { worker: 'exit 3', db: SERVES } },
    'helper-0': { annotations: helper, programs: { worker: 'sleep 1', db: SERVES } },
    'moved-3': { annotations: pipeline, programs: { report: 'exit 0', worker: 'exit 3' } },
    'moved-0': { annotations: pipeline, programs: { report: 'exit 0', worker: 'sleep 1' } },
  }

  test('with a helper or a worker that was moved, exit codes decide, and backoffLimit counts', async () => {
    const ordered = await namespaceFor(session, { word: 'jobs', gated: true, settings: SLACK })
    const without = await namespaceFor(session, { word: 'jobs-without' })
    const entries = Object.entries(jobs)
    await ordered.apply(entries.map(([name, work]) => job(name, work)))
    // A Job with a service that runs for ever never ends by itself: without us, only its worker is there.
    const bare = ({ programs: { worker = '', report } }: JobWork) => ({
      programs: { worker, ...(report === undefined ? {} : { report }) },
    })
    await without.apply(entries.map(([name, work]) => job(name, bare(work))))
    const ends = (namespace: TestNamespace) =>
      Promise.all(entries.map(async ([name]) => [name, await endOf(namespace, name)]))
    const [with_, without_] = [await ends(ordered), await ends(without)]
    expect(with_).toEqual(without_)
    expect(Object.fromEntries(with_)).toMatchObject({
      'helper-3': { type: 'Failed', reason: 'BackoffLimitExceeded', failed: 2 },
      'helper-0': { type: 'Complete', done: 1 },
      'moved-3': { type: 'Failed', reason: 'BackoffLimitExceeded', failed: 2 },
      'moved-0': { type: 'Complete', done: 1 },
    })
  })

  test('a CronJob with an order makes Jobs that complete', async () => {
    const namespace = await namespaceFor(session, { word: 'cron', gated: true, settings: SLACK })
    const spec = jobSpec({ annotations: helper, programs: { worker: 'sleep 1', db: SERVES } })
    const cron = { schedule: '0 0 1 1 *', jobTemplate: { spec } }
    await namespace.apply([{ apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'cron' }, spec: cron }])
    await namespace.kubectl.run(['create', 'job', '--from=cronjob/cron', 'now', '-n', namespace.name])
    expect(await endOf(namespace, 'now')).toMatchObject({ type: 'Complete', done: 1 })
  })

  test('under Never and OnFailure, what is not named a helper is not moved: the pod is denied', async () => {
    const namespace = await namespaceFor(session, { word: 'rules', gated: true })
    for (const restartPolicy of ['Never', 'OnFailure'] as const) {
      const { template } = jobSpec({
        annotations: { 'depends-on': 'worker: [db]\n' },
        programs: { worker: 'exit 0', db: SERVES },
        restartPolicy,
      })
      const made: Manifest = {
        apiVersion: 'v1',
        kind: 'Pod',
        ...template,
        metadata: { name: 'p', ...template.metadata },
      }
      expect(await namespace.refusal([made])).toMatch(
        new RegExp(`cannot be kept under restartPolicy ${restartPolicy}.*startgate.dev/helpers: db`),
      )
    }
  })
})
