import { render } from 'preact'
import { html } from './html.ts'
import { Page } from './page.ts'

const root = document.getElementById('page')
if (root) render(html`<${Page} />`, root)
