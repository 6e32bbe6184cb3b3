/** The page's files, each as text. */
export interface Assets {
  html: string
  script: string
  style: string
  icon: string
}

/** What the build puts in; there is none when this file runs as it is. */
declare const PAGE_ASSETS: Assets | undefined

/** The page's files; made anew where the program runs from its sources. */
export async function pageAssets(): Promise<Assets> {
  if (typeof PAGE_ASSETS === 'object') return PAGE_ASSETS
  // Not in the bundle: esbuild must not follow it there.
  const source = new URL('../../build-page.ts', import.meta.url).href
  const { buildPage } = (await import(source)) as typeof import('../../build-page.ts')
  return (await buildPage()).assets
}
