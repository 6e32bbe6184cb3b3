import { describe, expect, test } from 'vitest'
import { effectivePullPolicy, fullImageName, registryName, registryOf } from './image-name.ts'

describe('fullImageName is what container runtimes make of', () => {
  const digest = `sha256:${'0'.repeat(64)}`
  const cases: Record<string, string> = {
    nginx: 'docker.io/library/nginx:latest',
    'bitnami/nginx:1': 'docker.io/bitnami/nginx:1',
    'docker.io/nginx': 'docker.io/library/nginx:latest',
    'index.docker.io/nginx:1': 'docker.io/library/nginx:1',
    'index.docker.io/bitnami/nginx': 'docker.io/bitnami/nginx:latest',
    // Not a name that runtimes know, though it leads to the same place: the kubelet lists it as it is.
    'registry-1.docker.io/library/nginx:1': 'registry-1.docker.io/library/nginx:1',
    'localhost/nginx': 'localhost/nginx:latest',
    'r:5000/nginx': 'r:5000/nginx:latest',
    'ghcr.io:443/x/y:1': 'ghcr.io:443/x/y:1',
    // Upper case can only be a host.
    'GHCR/x:1': 'GHCR/x:1',
    'GHCR.io/x:1': 'GHCR.io/x:1',
    [`r.example/a:1@${digest}`]: `r.example/a@${digest}`,
  }
  test.each(Object.entries(cases))('%s', (reference, want) => {
    expect(fullImageName(reference)).toBe(want)
  })
})

describe('a registry’s limit is not side-stepped by', () => {
  const cases: Record<string, string> = {
    'nginx:1': 'docker.io',
    'index.docker.io/library/nginx:1': 'docker.io',
    'registry-1.docker.io/library/nginx:1': 'docker.io',
    'registry-1.docker.io:443/library/nginx:1': 'docker.io',
    'INDEX.docker.io/library/nginx:1': 'docker.io',
    'docker.io:443/library/nginx:1': 'docker.io',
    'ghcr.io/x/y:1': 'ghcr.io',
    'ghcr.io:443/x/y:1': 'ghcr.io',
    'ghcr.io:0443/x/y:1': 'ghcr.io',
    'GHCR.IO/x/y:1': 'ghcr.io',
    'GHCR.io:443/x/y@sha256:0': 'ghcr.io',
    'ghcr.io:8443/x/y:1': 'ghcr.io:8443',
    'r.example:5000/x:1': 'r.example:5000',
    'r.example:1443/x:1': 'r.example:1443',
    'localhost/x:1': 'localhost',
    'notdocker.io/x:1': 'notdocker.io',
  }
  test.each(Object.entries(cases))('%s', (reference, want) => {
    const registry = registryOf(fullImageName(reference))
    expect(registry).toBe(want)
    expect(registryName(registry)).toBe(registry)
  })
})

test('no name of many characters takes long', () => {
  const host = `${':0'.repeat(300_000)}x`
  expect(registryName(host)).toBe(host)
})

test('the pull policy is the kubelet’s default', () => {
  expect(effectivePullPolicy({ image: 'a' })).toBe('Always')
  expect(effectivePullPolicy({ image: 'a:1' })).toBe('IfNotPresent')
})
