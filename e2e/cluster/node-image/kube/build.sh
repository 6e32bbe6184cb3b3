#!/bin/bash
# Builds the all-in-one binary. usage: build.sh VERSION OUT   (VERSION without the v, as 1.37.2)
set -euo pipefail
cd "$(dirname "$0")"
IFS=. read -r major minor _ <<<"$1"

# kubeadm and the API server take their version from the linker; left alone it reads v0.0.0.
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=v$1 -X $package.gitMajor=$major -X $package.gitMinor=$minor"
  flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=unknown -X $package.buildDate=1970-01-01T00:00:00Z"
done
export CGO_ENABLED=0 GOFLAGS=
build=(-buildvcs=false -mod=readonly -trimpath -ldflags "$flags")
# How many `go build -v` will name: those that Go's build cache lacks. compile-progress.ts reads both.
lacks='{{if and .Stale (ne .StaleReason "not installed but available in build cache")}}{{.ImportPath}}{{end}}'
echo "packages to compile: $(go list "${build[@]}" -deps -f "$lacks" . | wc -l)" >&2
go build -v "${build[@]}" -o "$2" .
