#!/bin/bash
# Debian's minimal system with what a Kubernetes node needs.
# usage: root-tree.sh SUITE DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=$(grep -v '^#' "$here/packages.txt" | paste -sd,)
debootstrap --variant=minbase --include="$packages" "$1" "$2"

# Nobody reads manuals in a node, and every byte here is written once per node image.
rm -rf "$2"/var/cache/apt/* "$2"/var/lib/apt/lists/* "$2"/usr/share/{doc,man,info,locale}/* "$2"/var/log/*
