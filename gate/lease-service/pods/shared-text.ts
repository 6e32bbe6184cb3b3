/**
 * One copy of what many objects have in common: names of namespaces, nodes and images. Bounded, since some of them are
 * made by whoever makes pods: beyond the bound it begins anew, and less is shared.
 */
export class Shared<V> {
  readonly #make: (key: string) => V
  readonly #max: number
  #known = new Map<string, V>()

  constructor(make: (key: string) => V, max = 50_000) {
    this.#make = make
    this.#max = max
  }

  of(key: string): V {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size >= this.#max) this.#known = new Map()
    const made = this.#make(key)
    this.#known.set(key, made)
    return made
  }
}

export type SharedText = Pick<Shared<string>, 'of'>

export function sharedText(): SharedText {
  return new Shared(text => text)
}
