import fc from 'fast-check'
import { expect, test } from 'vitest'
import { busCall, takeMessage } from './message.ts'

/** From dbus-daemon 1.14: the answer to Hello, which is a string, and the signal NameAcquired behind it. */
const HELLO_ANSWER = Buffer.from(
  '6c02010109000000010000003d00000006017300040000003a312e300000000005017500010000000801670001730000' +
    '07017300140000006f72672e667265656465736b746f702e4442757300000000040000003a312e3000',
  'hex',
)

test('a call is a message that takeMessage reads', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.option(fc.string(), { nil: undefined }),
      (serial, argument) => {
        const bytes = busCall(serial, 'NameHasOwner', argument)
        const taken = takeMessage(Buffer.concat([bytes, Buffer.from('next')]))
        expect(taken?.message.type).toBe(1)
        expect(taken?.rest.toString()).toBe('next')
        expect(bytes.readUInt32LE(8)).toBe(serial)
        if (argument !== undefined)
          expect(taken?.message.body.subarray(4, -1).toString()).toBe(Buffer.from(argument).toString())
      },
    ),
  )
})

test('an answer names the call it is for', () => {
  const taken = takeMessage(HELLO_ANSWER)
  expect(taken?.message).toMatchObject({ type: 2, replySerial: 1 })
  expect(taken?.message.body.subarray(4, -1).toString()).toBe(':1.0')
})

test('a message is taken only when it is whole', () => {
  for (let length = 0; length < HELLO_ANSWER.length; length++)
    expect(takeMessage(HELLO_ANSWER.subarray(0, length))).toBeUndefined()
})

test('junk is an error or not yet a message, and never hangs', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), junk => {
      const bytes = Buffer.from(junk)
      if (bytes.length > 4) [bytes[0], bytes[3]] = [0x6c, 1]
      try {
        takeMessage(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
})
