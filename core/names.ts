/** Every name that two parts of startgate must agree on. */

/** Namespace label, value `enabled`: pods created here are gated. */
export const INJECTION_LABEL = 'startgate.dev/injection'
/** Pod label, value `"false"`: this pod is left alone. */
export const INJECT_LABEL = 'startgate.dev/inject'
/** Pod label that the webhook adds, value `"true"`: the lease service watches pods by it. */
export const GATED_LABEL = 'startgate.dev/gated'
export const ANNOTATION_PREFIX = 'startgate.dev/'

/** Containers and volumes of ours; what a user brings along under this prefix is denied. */
export const OWN_PREFIX = 'startgate'
export const PULL_GATE = 'startgate-pull'
export const START_GATE = 'startgate-start'
export const IMAGE_STEP_PREFIX = 'startgate-image-'
/** The sidecar that sequences the containers of one pod. */
export const AGENT = 'startgate'
/**
 * Before each moved container: this and the container's name, shortened where it would be too long
 * (core/shorten-name.ts).
 */
export const SEQUENCE_GATE_PREFIX = 'startgate-start-'
export type GateName = typeof PULL_GATE | typeof START_GATE | `${typeof SEQUENCE_GATE_PREFIX}${string}`

/** The emptyDir shared by our containers of a pod: the static busybox and the marker of a finished first run. */
export const SHARED_VOLUME = 'startgate'
export const SHARED_PATH = '/startgate'
export const BUSYBOX_IN_IMAGE = '/busybox'
/** Copied under the applet's own name, since busybox looks at argv[0]. */
export const TRUE_PATH = `${SHARED_PATH}/true`
export const RUN_MARKER_PATH = `${SHARED_PATH}/runs`
/** Holds the number of the run whose last gate failed open; absent where the last one was granted. */
export const LOST_MARKER_PATH = `${SHARED_PATH}/lost`

/**
 * One FIFO a gate of a sequenced pod, named for the gate. The agent makes them; a gate waits for its own to be there.
 */
export const FIFO_DIRECTORY = `${SHARED_PATH}/fifo`

/** emptyDir with one directory a container that notifies, named for the container. */
export const NOTIFY_VOLUME = 'startgate-notify'
/** Where the agent sees the whole volume. */
export const NOTIFY_DIRECTORY = '/run/startgate-notify'
/** Where a container sees its own directory. A directory, since the agent may make the socket anew. */
export const NOTIFY_MOUNT_PATH = '/run/startgate'
export const NOTIFY_SOCKET_FILE = 'notify.sock'
/** Value of NOTIFY_SOCKET in a container that notifies. */
export const NOTIFY_SOCKET_PATH = `${NOTIFY_MOUNT_PATH}/${NOTIFY_SOCKET_FILE}`
/** sd_notify(3). */
export const NOTIFY_SOCKET_ENV = 'NOTIFY_SOCKET'

/** Under here, by container name, the agent sees the volumes with the PID files and bus sockets it looks at. */
export const FILES_DIRECTORY = '/run/startgate-files'

/** A mount at this path keeps the API server from mounting the workload's own API token into our containers. */
export const TOKEN_VOLUME = 'startgate-token'
export const TOKEN_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount'
export const TOKEN_AUDIENCE = 'startgate.dev'

/** Where the product image keeps its programs. */
export const GATE_PROGRAM = '/app/gate.mjs'
export const AGENT_PROGRAM = '/app/agent.mjs'
/** The gate that waits through its node's waiter, a program of the shell (core/gate-script.ts). */
export const GATE_SHELL_PROGRAM = '/app/gate.sh'

/** Environment of a gate container, written by the webhook and read by gate/pod. */
export const GATE_ENV = {
  /** Which gate this is: `startgate-pull` or `startgate-start`. */
  gate: 'STARTGATE_GATE',
  /** `host:port` of the lease service's Service; an IP, because hostNetwork pods do not resolve cluster names. */
  address: 'STARTGATE_ADDRESS',
  /** Name in the lease service's certificate, the same for every replica. */
  serverName: 'STARTGATE_SERVER_NAME',
  /** PEM bundle of CAs the gate believes. */
  ca: 'STARTGATE_CA',
  podUid: 'STARTGATE_POD_UID',
  /** Go-style duration; time without contact after which the gate lets its pod go. */
  failOpenAfter: 'STARTGATE_FAIL_OPEN_AFTER',
  /**
   * Go-style duration; gates that never had contact add a random part of it, so that they do not break loose together.
   */
  failOpenJitter: 'STARTGATE_FAIL_OPEN_JITTER',
  /** `status.hostIP`, where the node's waiter listens; only of a gate that waits through it, as the two below. */
  hostIp: 'STARTGATE_HOST_IP',
  waiterPort: 'STARTGATE_WAITER_PORT',
  /** `no`: there is too little memory for the Node program, whatever the container's own limit says. */
  direct: 'STARTGATE_DIRECT',
} as const

/** Environment of the agent, besides GATE_ENV without `gate`. */
export const AGENT_ENV = {
  /** The Sequence as JSON; the lease service reads it from the pod's spec too. */
  sequence: 'STARTGATE_SEQUENCE',
  /**
   * Go-style duration; for when only time can tell: the lease service cannot be reached, or a datagram may be lost.
   * Default 2m.
   */
  startTimeout: 'STARTGATE_START_TIMEOUT',
  /**
   * What the webhook changed of the pod, as JSON, so that it can tell what the user wrote when it sees the pod again.
   */
  original: 'STARTGATE_ORIGINAL',
} as const

/** The Lease by which the replicas of the lease service choose their leader. */
export const ELECTION_LEASE = 'startgate-leader'
/** Label on the Leases that say what automatic limits were found. */
export const AUTO_LABEL = 'startgate.dev/auto'
/** Label on Leases that hold slots, value `pull` or `start`. */
export const RESOURCE_LABEL = 'startgate.dev/resource'
