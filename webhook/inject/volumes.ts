import { NOTIFY_VOLUME, SHARED_VOLUME, TOKEN_AUDIENCE, TOKEN_VOLUME } from '../../core/names.ts'

export interface Volume {
  name: string
  [source: string]: unknown
}

/** Seconds; the kubelet renews the token at 80 %. */
const TOKEN_LIFE_SECONDS = 3600

/** The volumes every gated pod gets, and the one with the notify sockets. */
export function ownVolumes({ hasNotify }: { hasNotify: boolean }): Volume[] {
  return [
    ...(hasNotify ? [{ name: NOTIFY_VOLUME, emptyDir: { sizeLimit: '1Mi' } }] : []),
    // Holds a static busybox of 2 MB and two markers; the kubelet evicts a pod whose volume outgrows the limit.
    { name: SHARED_VOLUME, emptyDir: { sizeLimit: '16Mi' } },
    {
      name: TOKEN_VOLUME,
      projected: {
        // For all to read, since gates run under a UID of their own. Where all containers share a UID, or there is an
        // fsGroup, the kubelet hands the file to those instead.
        defaultMode: 0o444,
        sources: [
          {
            serviceAccountToken: {
              audience: TOKEN_AUDIENCE,
              expirationSeconds: TOKEN_LIFE_SECONDS,
              path: 'token',
            },
          },
        ],
      },
    },
  ]
}
