/** What a plan does not know, wherever it is made. */
export const NOT_KNOWN = [
  'How much longer containers start when others start beside them: CPU, disk and registry are not part of the plan.',
  "Image pulls and the pods' own init containers: images are taken as being on the nodes.",
  'Which node the scheduler chooses: pods are spread by cores; room, affinity, selectors and tolerations do not count.',
  'What a limit of auto comes to: it is taken as as many as the node has cores, at least 2.',
  'Workloads that others wait for (startgate.dev/after), priority classes, restarts, failures, and what else starts then.',
]
