import { expect, test } from 'vitest'
import { isDockerLink, undoRules } from './host-state.ts'

const BEFORE = `*filter
:INPUT ACCEPT [1:2]
:FORWARD ACCEPT [0:0]
-A INPUT -s 10.0.0.1/32 -m comment --comment "keep me" -j ACCEPT
COMMIT`

const NOW = `*filter
:INPUT ACCEPT [9:9]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
-A INPUT -s 10.0.0.1/32 -m comment --comment "keep me" -j ACCEPT
-A INPUT -s 10.0.0.2/32 -j ACCEPT
-A FORWARD -o br-0123456789ab -j DOCKER
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A POSTROUTING -s 172.17.0.0/16 ! -o br-0123456789ab -j MASQUERADE
COMMIT`

const iptables = (line: string) => ['iptables', '-w', ...line.split(' ')]

test('undoRules takes away what Docker added, rules before chains, and sets the policy back', () => {
  expect(undoRules(BEFORE, NOW)).toEqual([
    iptables('-t filter -D FORWARD -o br-0123456789ab -j DOCKER'),
    iptables('-t nat -D POSTROUTING -s 172.17.0.0/16 ! -o br-0123456789ab -j MASQUERADE'),
    iptables('-t filter -F DOCKER'),
    iptables('-t nat -F DOCKER'),
    iptables('-t filter -X DOCKER'),
    iptables('-t nat -X DOCKER'),
    iptables('-P FORWARD ACCEPT'),
  ])
})

test('undoRules leaves a Docker that was there before alone', () => {
  expect(undoRules(NOW, NOW)).toEqual([])
})

test('undoRules takes forwarding for accepted where there was no rule at all', () => {
  expect(undoRules('', '*filter\n:FORWARD DROP [0:0]\nCOMMIT')).toEqual([iptables('-P FORWARD ACCEPT')])
})

test.each(['docker0', 'br-0123456789ab', 'veth01234ab'])('%s is an interface of Docker', name => {
  expect(isDockerLink(name)).toBe(true)
})

test.each(['eth0', 'lo', 'br-lan', 'vethernet'])('%s is not', name => {
  expect(isDockerLink(name)).toBe(false)
})
