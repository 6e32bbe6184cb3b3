/**
 * Chart values of the demo. It shows the limits of a namespace, so those for nodes, which on a small machine are as
 * low, are out of their way, and a namespace may have all of a cluster limit. A pod says by an Event why it waits as
 * soon as there is time to look.
 */
export const DEMO_VALUES: Record<string, unknown> = {
  limits: { node: { maxStarting: 50, maxPulling: 50 }, namespaceShare: 1 },
  waitingEventAfter: '5s',
}
