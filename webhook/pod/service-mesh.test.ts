import { expect, test } from 'vitest'
import type { Container, Pod } from '../../core/pod.ts'
import { podOf } from '../testing/facts.ts'
import { proxyUser } from './service-mesh.ts'

const istioInit: Container = {
  name: 'istio-init',
  args: ['istio-iptables', '-p', '15001', '-u', '1337', '-m', 'REDIRECT'],
}
const validation: Container = { name: 'istio-validation' }
const istioProxy: Container = { name: 'istio-proxy', securityContext: { runAsUser: 1337 } }
const linkerdInit: Container = { name: 'linkerd-init', args: ['--incoming-proxy-port', '4143', '--proxy-uid', '2102'] }
const linkerdProxy: Container = { name: 'linkerd-proxy', securityContext: { runAsUser: 2102 } }
const native = (proxy: Container): Container => ({ ...proxy, restartPolicy: 'Always' })
const app: Container = { name: 'app' }

const meshed = (initContainers: Container[], containers: Container[], annotations = {}): Pod =>
  podOf({ initContainers, containers }, { annotations })
const given = (uid: number) => ({ uid, isGiven: true })

const cases: Record<string, { pod: Pod; want: ReturnType<typeof proxyUser> }> = {
  'no mesh': { pod: meshed([{ name: 'prepare' }], [app]), want: undefined },
  'Istio: the proxy starts with the app': { pod: meshed([istioInit], [app, istioProxy]), want: given(1337) },
  'Istio, of another user': { pod: meshed([{ ...istioInit, args: ['-u', '1440'] }], [app, istioProxy]), want: given(1440) },
  'of several users the first': { pod: meshed([{ ...istioInit, args: ['--proxy-uid=1440,1441'] }], [app]), want: given(1440) },
  'Istio with a native sidecar: up before the next gate': { pod: meshed([istioInit, native(istioProxy)], [app]), want: undefined },
  'Istio CNI: redirected from the start': { pod: meshed([validation], [app, istioProxy]), want: given(1337) },
  'Istio CNI with a native sidecar: not up before the first gate': { pod: meshed([validation, native(istioProxy)], [app]), want: given(1337) },
  'Istio CNI, of another user': { pod: meshed([validation], [app, { ...istioProxy, securityContext: { runAsUser: 1_000_650_001 } }]), want: given(1_000_650_001) },
  'a proxy of another name': { pod: meshed([], [app], { 'sidecar.istio.io/status': '{}' }), want: { uid: 1337, isGiven: false } },
  'Linkerd': { pod: meshed([linkerdInit], [linkerdProxy, app]), want: given(2102) },
  'Linkerd with a native sidecar': { pod: meshed([linkerdInit, native(linkerdProxy)], [app]), want: undefined },
  'Linkerd CNI': { pod: meshed([{ name: 'linkerd-network-validator' }], [linkerdProxy, app]), want: given(2102) },
  'Linkerd CNI with a native sidecar': { pod: meshed([{ name: 'linkerd-network-validator' }, native(linkerdProxy)], [app]), want: given(2102) },
  'Linkerd, of the user that an annotation names': { pod: meshed([], [app], { 'linkerd.io/proxy-version': 'x', 'config.linkerd.io/proxy-uid': '3000' }), want: given(3000) },
  'not yet injected: the API server asks again': { pod: meshed([], [app], { 'linkerd.io/inject': 'enabled' }), want: undefined },
  'root is no user of a gate': { pod: meshed([{ ...istioInit, args: ['-u', '0'] }], [app, { ...istioProxy, securityContext: { runAsUser: 0 } }]), want: { uid: 1337, isGiven: false } },
  'nor is anything else': { pod: meshed([{ ...istioInit, args: ['-u'] }], [app, { ...istioProxy, securityContext: { runAsUser: '4294967296' } }]), want: { uid: 1337, isGiven: false } },
} // biome-ignore format: a table

test.each(Object.entries(cases))('%s', (_, { pod, want }) => {
  expect(proxyUser(pod)).toEqual(want)
})

test('words of any JSON are no users', () => {
  const args = [null, { a: 1 }, ['-u'], '-u', null] as unknown as string[]
  expect(proxyUser(meshed([{ name: 'istio-init', args }], [app]))).toEqual({ uid: 1337, isGiven: false })
  expect(proxyUser(meshed([{ name: 'istio-init', args: 7 as unknown as string[] }], [app]))?.uid).toBe(1337)
})
