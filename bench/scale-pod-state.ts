/** How far a pod of the bench has come. */
export type PodState = 'waiting' | 'starting' | 'ready'
