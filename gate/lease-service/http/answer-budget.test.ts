import { expect, test } from 'vitest'
import { AnswerBudget } from './answer-budget.ts'

/** How many answers of 10 ms this reader gets. */
function taken(budget: AnswerBudget, reader: string): number {
  let answers = 0
  for (; budget.isLeftFor(reader); answers++) budget.spend(reader, 10)
  return answers
}

test('whoever takes all it can leaves half of it to the next one; in the end nobody gets more', () => {
  const budget = new AnswerBudget(240)
  expect(['a', 'b', 'c', 'd', 'e', 'f'].map(reader => taken(budget, reader))).toEqual([13, 6, 3, 2, 1, 0])
  expect(taken(budget, 'a')).toBe(0)
})

test('one that asks for little goes on while another takes all it can', () => {
  const budget = new AnswerBudget(240)
  budget.spend('modest', 10)
  taken(budget, 'a')
  expect(taken(budget, 'modest')).toBeGreaterThan(3)
})

test('answers that take no time by the clock are counted all the same', () => {
  const budget = new AnswerBudget(100)
  let answers = 0
  for (; budget.isLeftFor('a'); answers++) budget.spend('a', 0)
  expect(answers).toBe(51)
})
