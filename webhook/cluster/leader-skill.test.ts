import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { SIDECAR_GATES_ANNOTATION } from '../../core/kube/election.ts'
import { kubeErrorOfStatus } from '../../core/kube/kube-error.ts'
import type { Lease } from '../../core/kube/lease.ts'
import { followLeaderSkill, readsSidecarGates } from './leader-skill.ts'

const log = pino({ level: 'silent' })
const lease = (holderIdentity: string, reader?: string): Lease => ({
  metadata: { annotations: reader === undefined ? {} : { [SIDECAR_GATES_ANNOTATION]: reader } },
  spec: { holderIdentity },
})

test('a leader reads them when the annotation is its own, not when it was left by the one before', () => {
  expect(readsSidecarGates(lease('a', 'a'))).toBe(true)
  expect(readsSidecarGates(lease('b', 'a'))).toBe(false)
  expect(readsSidecarGates(lease('a'))).toBe(false)
  expect(readsSidecarGates(lease('', ''))).toBe(false)
  expect(readsSidecarGates({ metadata: {} })).toBe(false)
  expect(readsSidecarGates(undefined)).toBe(false)
})

async function lookedAt(answer: () => Promise<Lease>, isAsked = true) {
  const asked: string[] = []
  const getLease = async (namespace: string, name: string) => {
    asked.push(`${namespace}/${name}`)
    return answer()
  }
  const skill = followLeaderSkill(isAsked, { client: { getLease }, namespace: 'startgate-system', log })
  onTestFinished(skill.stop)
  await new Promise(setImmediate)
  return { reads: skill.readsSidecarGates(), asked }
}

test('asks for the one Lease; false until it is known, where there is none, and where it may not be read', async () => {
  expect(await lookedAt(async () => lease('a', 'a'))).toEqual({
    reads: true,
    asked: ['startgate-system/startgate-leader'],
  })
  const error = (code: number) =>
    Promise.reject(kubeErrorOfStatus('GET', { code, ...(code === 404 && { reason: 'NotFound' }) }))
  expect((await lookedAt(() => error(404))).reads).toBe(false)
  expect((await lookedAt(() => error(403))).reads).toBe(false)
  expect((await lookedAt(() => new Promise(() => undefined))).reads).toBe(false)
})

test('asks nobody where gates do not stay', async () => {
  expect(await lookedAt(async () => lease('a', 'a'), false)).toEqual({ reads: false, asked: [] })
})
