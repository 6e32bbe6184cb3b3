import { expect, test } from 'vitest'
import { busEndpoint } from './address.ts'

test.each([
  ['unix:path=/run/dbus/system_bus_socket', { path: '/run/dbus/system_bus_socket' }],
  ['unix:path=/a%2cb,guid=1f', { path: '/a,b' }],
  ['unix:abstract=/tmp/dbus-x', { path: '\0/tmp/dbus-x' }],
  ['tcp:host=127.0.0.1,port=7000', { host: '127.0.0.1', port: 7000 }],
  ['launchd:env=X;unix:path=/b', { path: '/b' }],
  ['tcp:host=x,port=0', undefined],
  ['autolaunch:', undefined],
  ['', undefined],
])('%s', (address, want) => {
  expect(busEndpoint(address)).toEqual(want)
})
