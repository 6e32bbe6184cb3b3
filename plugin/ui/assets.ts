import { unusable } from '../model/failure.ts'

/** The page's files, each as text. */
export interface Assets {
  html: string
  script: string
  style: string
  icon: string
}

/** What the build puts in; there is none when this file runs as it is. */
declare const PAGE_ASSETS: Assets | undefined

/** The page's files. Throws where the program was not built. */
export function pageAssets(): Assets {
  if (typeof PAGE_ASSETS === 'object') return PAGE_ASSETS
  throw unusable('the page is in the built program only; run `npm run build` and dist/kubectl-startgate')
}
