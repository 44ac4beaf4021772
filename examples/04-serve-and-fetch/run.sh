#!/usr/bin/env bash
# A server on loopback, fetched by curl and by thirty lines of TypeScript. Needs curl and Node.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"; cd "$work"
pinset init
pinset new assistant
pinset publish assistant --alias production
port="$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')"
pinset serve --port "$port" & server=$!
trap 'kill "$server"; wait "$server" 2>/dev/null || true' EXIT
url="http://127.0.0.1:$port"
for _ in $(seq 100); do curl -fs "$url/healthz" >/dev/null && break; sleep 0.1; done

curl -fs "$url/v1/bundles/assistant/aliases/production" |
  python3 -c 'import json, sys; d = json.load(sys.stdin); print("curl:", d["bundle"], "v%d" % d["version"])'

# Node runs the file when its few type annotations are taken out.
sed -E 's/: (string|Release|Promise<Release>)( \| undefined)?([,)= ;{])/\3/g; /^interface/,/^}/d' "$here/fetch.ts" > fetch.mjs
node fetch.mjs "$url" assistant production
