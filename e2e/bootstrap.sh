# Sourced by npm test and npm run demo. Leaves this shell in the repository with `node` being the pinned Node;
# says in one line what is missing when it cannot.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
missing() {
  echo "startgate: $*" >&2
  exit 1
}
[ "$(uname -s)" = Linux ] || [ -n "${STARTGATE_CLUSTER:-}" ] || missing 'this machine is not Linux: set STARTGATE_CLUSTER=docker to use its Docker'
command -v npm >/dev/null || missing 'npm is missing: install Node.js 20 or newer'
# Copied last, so it tells whether an install was completed for this lock file.
if ! cmp -s package-lock.json node_modules/.startgate-lock; then
  echo '> installing packages (npm ci)' >&2
  npm ci --no-audit --no-fund --loglevel=error >&2 || missing 'npm ci failed: see above'
  cp package-lock.json node_modules/.startgate-lock
fi
export PATH="$PWD/node_modules/.bin:$PATH"
node --eval 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' ||
  missing 'the pinned Node 24 did not install (npm package "node"): were install scripts switched off?'
