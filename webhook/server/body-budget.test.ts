import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyBudget } from './body-budget.ts'

test('the largest body of the address with the most bytes is refused', () => {
  const budget = new BodyBudget(100)
  const refused: string[] = []
  const open = (address: string, name: string) => budget.open(address, () => refused.push(name))
  const [s1, s2, api] = [open('stranger', 's1'), open('stranger', 's2'), open('api', 'a1')]
  s1.add(40)
  s2.add(50)
  api.add(20)
  expect([refused, budget.total]).toEqual([['s2'], 60])
  s2.add(50)
  expect([refused, budget.total]).toEqual([['s2'], 60])
  api.add(80)
  expect([refused, budget.total]).toEqual([['s2', 'a1'], 40])
  s1.close()
  s1.close()
  expect(budget.total).toBe(0)
})

test('never more than the budget, and who has less than half of it is never refused beside one other', () => {
  const step = fc.record({ address: fc.constantFrom('a', 'b'), bytes: fc.nat(60), closes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), steps => {
      const budget = new BodyBudget(100)
      const bytesOf = new Map([['a', 0], ['b', 0]]) // biome-ignore format: a table
      for (const { address, bytes, closes } of steps) {
        const body = budget.open(address, () => {
          const others = address === 'a' ? 'b' : 'a'
          expect(bytesOf.get(address)).toBeGreaterThanOrEqual(bytesOf.get(others) ?? 0)
          bytesOf.set(address, (bytesOf.get(address) ?? 0) - bytes)
        })
        bytesOf.set(address, (bytesOf.get(address) ?? 0) + bytes)
        body.add(bytes)
        expect(budget.total).toBeLessThanOrEqual(100)
        if (!closes) continue
        const before = budget.total
        body.close()
        bytesOf.set(address, (bytesOf.get(address) ?? 0) - (before - budget.total))
      }
    }),
  )
})
