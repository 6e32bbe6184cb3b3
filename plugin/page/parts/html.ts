import htm from 'htm'
import { h, type VNode } from 'preact'

/** JSX without a compiler: a template literal becomes elements; what is put in is text, never markup. */
export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: unknown[]) => VNode
