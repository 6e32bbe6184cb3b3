import { CodedError } from '../../../core/errors.ts'

/** The pod that a token belongs to; nothing else a gate says about itself is believed. */
export interface PodIdentity {
  namespace: string
  podName: string
  podUid: string
  /**
   * Of the waiter that speaks for the pod, where it is not the pod's own token that says so: the pod must be on this
   * node.
   */
  vouchedOn?: string
}

/** The waiter of a node, by its token. */
export interface NodeIdentity {
  nodeName: string
}

/** The caller is not who it says, or nobody we serve. `status` is the HTTP answer. */
export class RefusedError extends CodedError {
  readonly code: string
  readonly status: 400 | 401 | 403 | 404 | 429 | 503
  constructor(status: RefusedError['status'], code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}
