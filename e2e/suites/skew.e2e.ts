import { beforeAll, expect, test } from 'vitest'
import { formerProduct, type Product } from '../cluster/former-product.ts'
import { scratch } from '../cluster/step-cache.ts'
import { CAS, publishedCas, secretKey, system } from '../harness/certificates.ts'
import { installStartgate } from '../harness/install.ts'
import { joinCluster, observerFor, type Session } from '../harness/session.ts'
import { limits } from '../harness/time-limits.ts'
import { waitFor } from '../harness/wait-for.ts'
import { waitingHerd } from '../workloads/waiting-herd.ts'

/** Before gates said their version, both programs had one certificate, and a Lease of another version was foreign. */
const FORMER = '77bae587b5ac552642eb2f8577c19feff2a940de'
const WAITING = 4
/** Values that both versions know. */
const VALUES = {
  limits: { cluster: { maxPulling: 100 }, node: { maxStarting: 50, maxPulling: 50 } },
  lameDuckSeconds: 2,
}

const log = (line: string) => process.stderr.write(`  ${line}\n`)

let session: Session
beforeAll(async () => {
  session = await joinCluster()
})

const install = (product?: Product) =>
  installStartgate(session.cluster, { values: VALUES, log, ...(product && { product }) })

/** The image that the lease service runs, once none of another is left. */
const serviceImage = () =>
  waitFor(
    'one version of the lease service',
    async () => {
      const path = 'jsonpath={.items[*].spec.containers[0].image}'
      const which = ['-l', 'app.kubernetes.io/component=lease-service', '-o', path]
      const images = new Set((await system(session, ['get', 'pods', ...which])).split(' '))
      return images.size === 1 && [...images][0]
    },
    limits.rollout,
  )

test('gates of the former version wait while the service is upgraded, newer ones while it is rolled back: all are granted', async () => {
  const observer = await observerFor(session)
  await scratch('former', async dir => {
    const former = await formerProduct(session.cluster, { commit: FORMER, dir }, log)
    await install(former)
    expect(await serviceImage()).toBe(former.ref)
    const ca = await secretKey(session, CAS, 'signing-ca.crt')

    const older = await waitingHerd(session, observer, WAITING)
    await install()
    expect(await serviceImage()).not.toBe(former.ref)
    expect(await older.thaw()).toEqual(Array(WAITING).fill('granted'))

    const newer = await waitingHerd(session, observer, WAITING)
    await install(former)
    expect(await serviceImage()).toBe(former.ref)
    expect(await newer.thaw()).toEqual(Array(WAITING).fill('granted'))

    // Nobody lost its trust: the CA that signed before the upgrade still does.
    expect(await secretKey(session, CAS, 'signing-ca.crt')).toBe(ca)
    expect(await publishedCas(session)).toContain(ca.trim())
  })
})
