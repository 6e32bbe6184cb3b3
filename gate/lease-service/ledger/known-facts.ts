import type { NamespaceSettings, NodeSettings } from '../../../core/annotations.ts'
import type { Node, Pod } from '../../../core/pod.ts'
import { hasTooManyContainers } from '../../../core/pod-size.ts'
import { type PodEntry, PodIndex } from '../after/pod-index.ts'
import type { AutoLimits } from '../auto/auto-limit.ts'
import type { ClusterSettings } from '../limits/cluster-settings.ts'
import type { Overloads } from '../limits/overloads.ts'
import { isRamped } from '../limits/pull-ramp.ts'
import type { LimitFacts } from '../limits/scope.ts'
import type { Ticket } from '../model/grant.ts'
import { areSame, haveSameLimits, type NodeFacts, nodeFactsOf } from '../pods/node-facts.ts'
import { imageNameIn, ShownImages } from '../pods/shown-images.ts'
import type { StartedIndex } from '../started/started-index.ts'
import { WantedImages } from './wanted-images.ts'

export interface KnownFactsParts {
  settings: ClusterSettings
  /** Nodes that are held back, by name. */
  overloads: Pick<Overloads, 'get'>
  /** What `auto` comes to on each node. */
  autos: AutoLimits
  /** Pods past starting: of them nothing is kept here. */
  started: Pick<StartedIndex, 'get' | 'workloadOf' | 'hasImage'>
}

/** What the watches have shown of pods, nodes and namespaces, as the ledger needs it. */
export class KnownFacts {
  readonly pods = new PodIndex()
  readonly started: KnownFactsParts['started']
  /** What limits go by. */
  readonly limits: LimitFacts
  readonly #nodes = new Map<string, NodeFacts>()
  readonly #namespaces = new Map<string, NamespaceSettings>()
  readonly #images = new ShownImages()
  readonly #wanted = new WantedImages({
    nodes: () => this.#nodes.keys(),
    isOnNode: (nodeName, image) => this.isOnNode(nodeName, image),
  })
  #limitsVersion = 0

  constructor({ settings, overloads, autos, started }: KnownFactsParts) {
    this.started = started
    const images = this.#wanted
    this.limits = { settings, nodes: this.#nodes, namespaces: this.#namespaces, overloads, autos, images }
  }

  /** Another number after each change by which a limit may be another. */
  get limitsVersion(): number {
    return this.#limitsVersion + this.#wanted.version
  }

  /** Of the gates that wait to pull: what their ramps go by is looked up. */
  wantImages(tickets: readonly Ticket[]): void {
    const podUids = new Map<string, string>()
    for (const { namespace, images, podUid } of tickets)
      if (images.length > 0 && isRamped(namespace, this.limits)) for (const image of images) podUids.set(image, podUid)
    this.#wanted.want(new Set(podUids.keys()), image => {
      const pod = this.podOf(podUids.get(image) ?? '')
      return pod && imageNameIn(pod, image)
    })
  }

  podOf(uid: string): Pod | undefined {
    return this.pods.get(uid)?.pod
  }

  setPod(pod: Pod): void {
    this.pods.set(pod)
    const images = this.#images.setPod(pod)
    if (images) this.#wanted.shown(pod.spec.nodeName ?? '', images)
  }

  removePod(uid: string): void {
    this.pods.delete(uid)
    this.#images.removePod(uid)
  }

  /**
   * `lastGood`: what was in force of its annotations. Returns the pods there that are lost now, or are no longer;
   * undefined where nothing of the node has changed for anybody.
   */
  setNode(node: Node, lastGood?: NodeSettings): PodEntry[] | undefined {
    const name = node.metadata.name ?? ''
    const before = this.#nodes.get(name)
    const facts = nodeFactsOf(node, lastGood ?? before, this.limits.settings.nodePools)
    if (before && areSame(before, facts)) return undefined
    this.#nodes.set(name, facts)
    this.#wanted.shown(name, facts.images)
    if (!before || !haveSameLimits(before, facts)) this.#limitsVersion += 1
    return before?.lost === facts.lost ? [] : this.#markNode(name, false)
  }

  /** The Node object is gone, and with it all that ran there: returns its pods. */
  removeNode(name: string): PodEntry[] {
    this.#nodes.delete(name)
    this.#wanted.nodeGone(name)
    this.#limitsVersion += 1
    return this.#markNode(name, true)
  }

  #markNode(name: string, isGone: boolean): PodEntry[] {
    const entries = [...this.pods.onNode(name)]
    for (const entry of entries) entry.nodeGone = isGone
    return entries
  }

  /** Returns the namespace's pods if its mode has changed. */
  setNamespace(name: string, settings: NamespaceSettings): PodEntry[] {
    const before = this.#namespaces.get(name)?.mode
    this.#namespaces.set(name, settings)
    this.#limitsVersion += 1
    return before === settings.mode ? [] : [...this.pods.inNamespace(name)]
  }

  removeNamespace(name: string): void {
    this.#namespaces.delete(name)
    this.#limitsVersion += 1
  }

  modeOf(namespace: string): NamespaceSettings['mode'] {
    return this.#namespaces.get(namespace)?.mode
  }

  /** Neither limited nor counted: its namespace is not, or no webhook of ours made the pod. */
  isOff(namespace: string, pod: Pod | undefined): boolean {
    return this.modeOf(namespace) === 'off' || (pod !== undefined && hasTooManyContainers(pod))
  }

  isNodeLost(name: string): boolean {
    return this.#nodes.get(name)?.lost ?? false
  }

  isOnNode(nodeName: string, image: string): boolean {
    const isListed = this.#nodes.get(nodeName)?.images.has(image) ?? false
    return isListed || this.#images.has(nodeName, image) || this.started.hasImage(nodeName, image)
  }

  /** Of the images of a pull, those that are not on the node: the others cost no registry anything. */
  lacking(ticket: Ticket): Ticket {
    if (ticket.images.length === 0) return ticket
    const images = ticket.images.filter(image => !this.isOnNode(ticket.nodeName, image))
    return images.length === ticket.images.length ? ticket : { ...ticket, images }
  }
}
