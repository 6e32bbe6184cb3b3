import { render } from 'preact'
import { Page } from './page.ts'
import { html } from './parts/html.ts'

const root = document.getElementById('page')
if (root) render(html`<${Page} />`, root)
