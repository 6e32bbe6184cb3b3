import { expect, test } from 'vitest'
import { jarProblem } from './java-image.ts'

const [one, two] = ['1', '2'].map(digit => digit.repeat(64))
const list = `${one}  a-1.0.jar\n${two}  b-2.0.jar\n`

test.each([
  [{ 'a-1.0.jar': one, 'b-2.0.jar': two }, undefined],
  [{ 'a-1.0.jar': one }, 'b-2.0.jar: missing'],
  [{ 'a-1.0.jar': two, 'b-2.0.jar': two }, 'a-1.0.jar: not the file of jars.sha256'],
  [{ 'a-1.0.jar': one, 'b-2.0.jar': two, 'c.jar': one }, 'c.jar is not in jars.sha256'],
])('%j: %s', (files, problem) => {
  expect(jarProblem(list, files as Record<string, string>)).toBe(problem)
})
