#!/usr/bin/env bash
# npm run demo [-- --keep]: shows startgate on a real cluster.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh"
exec node e2e/demo/main.ts "$@"
