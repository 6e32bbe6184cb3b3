import { poolOf } from '../../../core/node-pool.ts'
import type { Pod } from '../../../core/pod.ts'
import { withinPermissions } from '../limits/chart-permissions.ts'
import { reasonOfError, type Trouble } from '../model/trouble.ts'
import { inForce } from '../pods/opted-in.ts'
import { StartedPod } from '../started/started-pod.ts'
import { showAutoNode } from './term-autos.ts'
import type { FactEvent, PodName } from './term-events.ts'
import { decideSoon, emit, publish, type TermState } from './term-state.ts'

/** Takes in what the API server shows. */
export function takeFact(state: TermState, event: FactEvent): void {
  switch (event.kind) {
    case 'pod-shown':
      podShown(state, event)
      break
    case 'pod-unseen':
      markUnseen(state, event.pod)
      break
    case 'pod-found':
      podFound(state, event.pod)
      break
    case 'pod-read':
      podRead(state, event)
      break
    case 'node-shown':
      nodeShown(state, event)
      break
    case 'node-gone':
      nodeGone(state, event.name)
      break
    case 'namespace-shown':
      namespaceShown(state, event)
      break
    case 'namespace-gone':
      namespaceGone(state, event.name)
      break
    case 'workload-changed':
      decideSoon(state)
      break
  }
}

export function setAside(state: TermState, trouble: Trouble): void {
  publish(state, { kind: 'set-aside', trouble, pod: state.pods.get(trouble.podUid) })
}

/** A pod that cannot be read is set aside, and costs the others nothing: neither the watch of all nor a decision. */
export function guarded(state: TermState, { metadata }: Pod, act: () => void): void {
  try {
    act()
  } catch (error) {
    setAside(state, { podUid: metadata.uid ?? '', kind: 'error', reason: reasonOfError(error) })
  }
}

/** The pod, last seen like this, is looked after by asking the API server for it, at once and then at times. */
export function markUnseen(state: TermState, pod: Pod): void {
  state.unseen.set(pod.metadata.uid ?? '', pod)
  emit(state, { kind: 'read-pod', pod: nameOf(pod) })
}

export function lookAgain(state: TermState): void {
  if (state.unseen.size > 0) emit(state, { kind: 'read-again', pods: [...state.unseen.values()].map(nameOf) })
}

function nameOf({ metadata: { uid = '', namespace = '', name = '' } }: Pod): PodName {
  return { uid, namespace, name }
}

function podShown(state: TermState, { pod, kept }: Extract<FactEvent, { kind: 'pod-shown' }>): void {
  const uid = pod.metadata.uid ?? ''
  if (isNoNews(state, uid, kept)) return
  state.pods.set(uid, pod)
  state.unseen.delete(uid)
  guarded(state, pod, () => {
    state.ledger.upsertPod(pod)
    state.sequences.tell(pod)
    publish(state, { kind: 'pod-shown', pod })
  })
  decideSoon(state)
}

/**
 * Most of what a large cluster shows: of pods past starting, in which nothing starts anew. Of such a one nobody here
 * knows anything, and what the watch has kept of it stays as it is.
 */
function isNoNews({ inputs, pods, unseen, ledger }: TermState, uid: string, kept: Pod | undefined): boolean {
  const before = inputs.started.get(uid)
  if (!before || !(kept instanceof StartedPod) || !kept.isAs(before)) return false
  return !pods.has(uid) && !unseen.has(uid) && ledger.isIdle(uid)
}

/** The watch may never show it: it is looked after as one that the watch shows no more. */
function podFound(state: TermState, pod: Pod): void {
  const uid = pod.metadata.uid ?? ''
  if (state.pods.has(uid)) return
  state.unseen.set(uid, pod)
  podExists(state, pod)
}

function podRead(state: TermState, { uid, pod }: Extract<FactEvent, { kind: 'pod-read' }>): void {
  if (!state.unseen.has(uid)) return
  if (pod?.metadata.uid === uid) {
    podExists(state, pod)
    return
  }
  state.unseen.delete(uid)
  state.ledger.removePod(uid)
  forget(state, uid)
  decideSoon(state)
}

function podExists(state: TermState, pod: Pod): void {
  const { uid = '' } = pod.metadata
  state.pods.set(uid, pod)
  // The watch has it as one past starting, cut down, so further changes come by the watch: no need to read it again.
  if (state.inputs.started.get(uid)) state.unseen.delete(uid)
  state.ledger.upsertPod(pod)
  state.sequences.tell(pod)
  decideSoon(state)
}

/** What is kept of a pod besides the ledger. */
export function forget(state: TermState, uid: string): void {
  state.pods.delete(uid)
  state.rates.removePod(uid)
  state.sequences.removePod(uid)
  publish(state, { kind: 'pod-forgotten', uid })
}

function nodeShown(state: TermState, { node, fold }: Extract<FactEvent, { kind: 'node-shown' }>): void {
  const { name = '' } = node.metadata
  const { settings, problems } = fold
  publish(state, { kind: 'node-problems', node, problems })
  state.badAnnotations.set('Node', name, problems.length)
  const isNews = state.ledger.upsertNode(node, settings)
  showAutoNode(state, node)
  const pool = poolOf(state.inputs.settings.nodePools, node.metadata.labels)
  state.pressures.setMax(name, settings.maxPressure ?? pool?.maxPressure)
  if (isNews) decideSoon(state)
}

function nodeGone(state: TermState, name: string): void {
  state.ledger.removeNode(name)
  state.autos.removeNode(name)
  state.pressures.setMax(name, undefined)
  state.badAnnotations.set('Node', name, 0)
  publish(state, { kind: 'problems-gone', of: 'Node', name })
  decideSoon(state)
}

function namespaceShown(state: TermState, { namespace, fold }: Extract<FactEvent, { kind: 'namespace-shown' }>): void {
  const { name = '', annotations } = namespace.metadata
  const { settings, problems } = withinPermissions(fold, state.inputs.settings, annotations)
  publish(state, { kind: 'namespace-problems', namespace, problems })
  state.badAnnotations.set('Namespace', name, problems.length)
  const effective = inForce(namespace, settings)
  const isCluster = name === state.inputs.settings.ownNamespace
  const isEnforced = isCluster || (effective.mode ?? 'enforce') === 'enforce'
  publish(state, { kind: 'freeze-shown', namespace, frozen: isEnforced ? settings.frozen : undefined, isCluster })
  state.ledger.setNamespace(name, effective)
  decideSoon(state)
}

function namespaceGone(state: TermState, name: string): void {
  state.ledger.removeNamespace(name)
  state.badAnnotations.set('Namespace', name, 0)
  publish(state, { kind: 'problems-gone', of: 'Namespace', name })
  decideSoon(state)
}
