#!/usr/bin/env bash
# npm test: sets all up, runs all checks and tests, takes all down.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh"
exec node e2e/test-all.ts "$@"
