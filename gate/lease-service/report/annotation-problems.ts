export interface BadAnnotationRow {
  kind: 'Namespace' | 'Node'
  name: string
  /** Annotations that cannot be read, or are not allowed. */
  count: number
}

/** Which namespaces and nodes have annotations now that are not in force as they are written. */
export class BadAnnotations {
  readonly #rows = new Map<string, BadAnnotationRow>()

  /** Call it with 0 too when the object is gone. */
  set(kind: BadAnnotationRow['kind'], name: string, count: number): void {
    if (count > 0) this.#rows.set(`${kind}/${name}`, { kind, name, count })
    else this.#rows.delete(`${kind}/${name}`)
  }

  rows(): BadAnnotationRow[] {
    return [...this.#rows.values()]
  }
}
