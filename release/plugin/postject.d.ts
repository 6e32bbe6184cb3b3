// The package has no types of its own.
declare module 'postject' {
  interface InjectOptions {
    sentinelFuse?: string
    machoSegmentName?: string
    overwrite?: boolean
  }
  export function inject(filename: string, resourceName: string, data: Buffer, options?: InjectOptions): Promise<void>
}
