/** Image of e2e workloads on every node: a static busybox with its applets (sh, sleep, date, httpd, nc, touch …). */
export const APP_IMAGE = 'startgate-e2e/app:1'
