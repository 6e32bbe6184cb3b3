import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { TokenVerdict } from '../../../core/kube/token-review.ts'
import { GOOD_VERDICT, madeToken } from '../testing/made-token.ts'
import { createIdentityCache, MAX_KEPT } from './identity-cache.ts'

const ADDRESS = '192.0.2.1'
const WALL_MS = 1_700_000_000_000
const bad: TokenVerdict = { authenticated: false, audiences: [], username: '' }
const identity = { namespace: 'shop', podName: 'web-1', podUid: 'uid-1' }

/** A cache on reviews that answer at once, or when the test says so. */
function made({ answersAtOnce = true } = {}) {
  const world = { nowMs: 0, isGood: true, isShown: true }
  const reviews: PromiseWithResolvers<TokenVerdict>[] = []
  const identify = createIdentityCache({
    review: () => {
      const review = Promise.withResolvers<TokenVerdict>()
      reviews.push(review)
      if (answersAtOnce) review.resolve(world.isGood ? GOOD_VERDICT : bad)
      return review.promise
    },
    isShown: () => world.isShown,
    clock: { monotonicMs: () => world.nowMs, wallMs: () => WALL_MS + world.nowMs },
  })
  return { world, reviews, identify }
}

test('a token that comes again while it is reviewed waits for that review, also for its failure', async () => {
  const { identify, reviews } = made({ answersAtOnce: false })
  const token = madeToken()
  const failing = [identify(token, ADDRESS), identify(token, ADDRESS)]
  await setImmediate()
  reviews[0]?.reject(new Error('the API server does not answer'))
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const succeeding = [identify(token, ADDRESS), identify(token, ADDRESS)]
  await setImmediate()
  reviews[1]?.resolve(GOOD_VERDICT)
  expect(await Promise.all(succeeding)).toEqual([identity, identity])
  expect(reviews).toHaveLength(2)
})

test('a good token is reviewed every five minutes, a bad one each time', async () => {
  const { world, identify, reviews } = made()
  const token = madeToken()
  await identify(token, ADDRESS)
  world.nowMs = 299_999
  await identify(token, ADDRESS)
  expect(reviews).toHaveLength(1)
  world.nowMs = 300_000
  await identify(token, ADDRESS)
  expect(reviews).toHaveLength(2)
  world.isGood = false
  const forged = madeToken({ signature: 'forged' })
  await expect(identify(forged, ADDRESS)).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
  await expect(identify(forged, ADDRESS)).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
  expect(reviews).toHaveLength(4)
})

test('no token is believed for longer than it lasts', async () => {
  const { world, identify, reviews } = made()
  const token = madeToken({ exp: WALL_MS / 1_000 + 10 })
  await identify(token, ADDRESS)
  world.nowMs = 9_999
  await identify(token, ADDRESS)
  expect(reviews).toHaveLength(1)
  world.nowMs = 10_000
  world.isGood = false
  await expect(identify(token, ADDRESS)).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
  expect(reviews).toHaveLength(2)
})

test('with a clock that is an hour ahead a token that the API server calls good is good, for a minute each', async () => {
  const { world, identify, reviews } = made()
  const token = madeToken({ exp: WALL_MS / 1_000 - 3_600 })
  expect(await identify(token, ADDRESS)).toEqual(identity)
  world.nowMs = 59_999
  expect(await identify(token, ADDRESS)).toEqual(identity)
  expect(reviews).toHaveLength(1)
  world.nowMs = 60_000
  await identify(token, ADDRESS)
  expect(reviews).toHaveLength(2)
})

test('25,000 gates that come in turn are reviewed once each', async () => {
  const { identify, reviews } = made()
  const tokens = Array.from({ length: 25_000 }, (_, i) => madeToken({ signature: `s${i}` }))
  for (let round = 0; round < 2; round++) for (const token of tokens) await identify(token, ADDRESS)
  expect(reviews).toHaveLength(25_000)
})

test('of too many the ones that were used longest ago are forgotten', async () => {
  const { identify, reviews } = made()
  const token = (i: number) => madeToken({ signature: `s${i}` })
  for (let i = 0; i < MAX_KEPT; i++) await identify(token(i), ADDRESS)
  await identify(token(0), ADDRESS)
  await identify(token(MAX_KEPT), ADDRESS)
  await identify(token(0), ADDRESS)
  expect(reviews).toHaveLength(MAX_KEPT + 1)
  await identify(token(1), ADDRESS)
  expect(reviews).toHaveLength(MAX_KEPT + 2)
})

test('what cannot be good costs no review', async () => {
  const { identify, reviews } = made()
  for (const token of ['made-up', madeToken({ aud: 'other' })])
    await expect(identify(token, ADDRESS)).rejects.toMatchObject({ status: 401 })
  expect(reviews).toEqual([])
})

test('tokens of pods that nobody has seen fill a lane of their own; a gate with a pod passes them', async () => {
  const { world, identify, reviews } = made({ answersAtOnce: false })
  world.isShown = false
  const strangers = Array.from({ length: 400 }, (_, i) => identify(madeToken({ podUid: `none-${i}` }), ADDRESS))
  const codes = Promise.all(strangers.map(asked => asked.then(String, error => error.code)))
  await setImmediate()
  expect(reviews).toHaveLength(4)
  world.isShown = true
  const gate = identify(madeToken(), ADDRESS)
  await setImmediate()
  reviews[4]?.resolve(GOOD_VERDICT)
  expect(await gate).toEqual(identity)
  for (let i = 0; i < reviews.length; i++) {
    reviews[i]?.resolve(bad)
    await setImmediate()
  }
  expect((await codes).filter(code => code === 'TOO_MANY_REVIEWS')).toHaveLength(400 - 4 - 256)
})
