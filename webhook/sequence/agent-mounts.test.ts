import { expect, test } from 'vitest'
import type { Readiness } from '../../core/readiness.ts'
import { podOf } from '../testing/facts.ts'
import { busUser } from './agent-mounts.ts'

const dbus: Readiness = { type: 'dbus', busName: 'org.example.Names' }
const user = (runAsUser: number) => ({ securityContext: { runAsUser } })

interface Case {
  pod?: object
  names?: object
  bus?: object
  readiness?: Record<string, Readiness>
  want: number | undefined
}

const cases: Record<string, Case> = {
  'any user where no bus is asked': { readiness: { names: { type: 'notify' } }, ...{ names: user(7) }, want: undefined },
  'nobody where the pod does not say as whom the container runs': { want: 65_534 },
  'the user of the container': { names: user(1000), want: 1000 },
  'the user of the pod': { pod: user(1000), want: 1000 },
  'the user of the container over that of the pod': { pod: user(1000), names: user(2000), want: 2000 },
  'not that of a container whose name is not waited for': { bus: user(3000), want: 65_534 },
  'never root': { names: user(0), pod: user(1000), want: 65_534 },
  'the first, where several are judged by a bus': { names: user(1), bus: user(2), readiness: { bus: dbus, names: dbus }, want: 1 },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', (_, { pod = {}, names = {}, bus = {}, readiness = { names: dbus }, want }) => {
  const made = podOf({
    ...pod,
    containers: [
      { name: 'names', ...names },
      { name: 'bus', ...bus },
    ],
  })
  expect(busUser(new Map(Object.entries(readiness)), made)).toBe(want)
})
