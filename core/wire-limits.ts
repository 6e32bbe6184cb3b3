/* Bounds of what programs tell each other of a pod: the gate its waiter, both the lease service. */

/** Run of a gate in one sandbox of its pod, from 1. */
export const MAX_ATTEMPT = 100_000

/** metadata.uid of a pod. */
export const UID_FORM = /^[\w-]{1,64}$/

/** Of a program, as 1.2.3-rc.1. */
export const VERSION_FORM = /^[\w.+-]{1,32}$/

/**
 * RFC 6750's b64token, which has the characters of every JSON Web Token; a service account's has one to two KiB. The
 * line that a gate sends its waiter is bounded by MAX_HELLO_LINE besides.
 */
export const TOKEN_FORM = /^[\w.~+/=-]{1,16384}$/
