/** How long to wait for something before a test says that it will not happen, and why so long. */
export interface Limit {
  ms: number
  why: string
}

const limit = (seconds: number, why: string): Limit => ({ ms: seconds * 1000, why })

/** Named once, generous: a limit is no claim about speed, only the point at which waiting longer is pointless. */
export const limits = {
  herdReady: limit(240, 'twelve pods start two at a time, 3 s each, on two cores that also run the cluster'),
  faultedHerd: limit(
    300,
    'sixty pods start six at a time on two cores that also run the cluster, and a fault may stop all for a minute',
  ),
  podReady: limit(90, 'one pod: schedule, sandbox, gates, start; the kubelet alone may take 10 s under load'),
  gateRunning: limit(
    60,
    'the first gate of a pod runs once its sandbox is made, which takes seconds when many are made',
  ),
  coldPulls: limit(240, 'ten images through a throttled registry, two at a time, some seconds each'),
  pressure: limit(60, 'the kernel takes the mean of 10 s, and the pods that make the pressure must start first'),
  podGone: limit(3, 'the promise: a waiting pod is deleted within 3 s'),
  placeGone: limit(
    10,
    'the lease service sees a deletion by its watch at once; the next waiter hears it at the next message',
  ),
  frozen: limit(8, 'long enough for a herd at its former pace to start ten pods, had the freeze a hole'),
  lostNode: limit(
    170,
    'a silent node is declared lost after about 50 s, and its slots are back within 120 s of that: the promise',
  ),
  takeover: limit(60, 'a Lease of 7 s runs out, the next replica sees that by its own clock, waits its turn and lists'),
  slotBack: limit(30, 'the watch tells at once; timeouts are looked at every few seconds'),
  deletedLease: limit(60, 'what Leases there are is compared each 30 s, and told at the next message'),
  eventSeen: limit(30, 'the promise: Events within 30 s of the return of the service'),
  labelGone: limit(
    150,
    'a pod without its label is looked at every 30 s only; one start of 15 s, then one more, on a loaded machine',
  ),
  watchCaughtUp: limit(60, 'a broken watch is tried again after 30 s at most; a slow one brings each answer late'),
  apiServerBack: limit(180, 'the kubelet starts a killed API server after up to a minute, which then needs as long'),
  limitInForce: limit(
    60,
    'an annotation is seen, what was granted before has started, and sixty gates are asked what they wait for, some seconds each time',
  ),
  asked: limit(
    60,
    'kube-proxy hears of a new Service at once, and writes its rules each second, later on a loaded machine',
  ),
  settingSeen: limit(20, 'a namespace annotation reaches webhook and lease service by their watches'),
  waitersGivenUp: limit(100, 'the webhook looks each 10 s, and gives waiters up when it has seen none for 60 s'),
  rollout: limit(150, 'an image of ours starts and becomes Ready, or a Deployment is scaled to nothing'),
  failOpen: limit(120, 'fail-open-after plus the whole jitter, plus the time a herd needs to start on two cores'),
  jobDone: limit(120, 'schedule, gates, run a few seconds, complete'),
  namespaceGone: limit(120, 'all pods of a namespace end, sixty of a herd too'),
} as const satisfies Record<string, Limit>
