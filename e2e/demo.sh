#!/bin/bash
# Shows startgate on a real cluster: npm run demo [-- --keep]
set -euo pipefail
cd "$(dirname "$0")/.."

lacks() { echo "demo: $1" >&2; exit 1; }

command -v npm >/dev/null || lacks 'needs npm and Node 20 or newer on PATH'
if [ ! -x node_modules/.bin/node ]; then
  echo 'Installing dependencies: npm ci'
  npm ci --no-audit --no-fund --loglevel=error || lacks 'npm ci failed: the npm registry cannot be reached, or package-lock.json does not fit'
fi
exec node_modules/.bin/node e2e/demo/main.ts "$@"
