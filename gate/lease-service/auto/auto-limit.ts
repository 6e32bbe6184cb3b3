/** What `auto` comes to on a node now. */
export interface AutoLimit {
  limit: number
  /** In words: `CPU 96 % busy`. */
  reason: string
}

/** Of all nodes. */
export interface AutoLimits {
  /** Undefined where nothing is known of the node. */
  at(nodeName: string): AutoLimit | undefined
  /** Another number whenever something of it is another. */
  readonly version: number
}
