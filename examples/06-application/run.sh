#!/usr/bin/env bash
# An application and its registry: killed, restarted, pinned by hand, promoted, rolled back. Needs curl and bash 5.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"; cd "$work"
export POLL="${POLL:-3}"                      # seconds from one look at the registry to the next; a move is told at once
export PINSET_CACHE="$work/cache" PINSET_PIN="@$work/pins.txt"
: > pins.txt

free_port() { python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
registry="http://127.0.0.1:$(free_port)" application="http://127.0.0.1:$(free_port)"
registry_pid="" application_pid=""
end() { for pid in $application_pid $registry_pid; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done; }
trap end EXIT

start_registry() {
  pinset serve --registry registry --port "${registry##*:}" >> registry.log 2>&1 & registry_pid=$!
  until_answers "$registry/healthz"
}
start_application() {
  PINSET_REGISTRY="$registry" python3 -m uvicorn app:app --app-dir "$here" --port "${application##*:}" >> application.log 2>&1 &
  application_pid=$!
  until_answers "$application/healthz"
}
restart_application() { kill "$application_pid"; wait "$application_pid" || true; start_application; }
until_answers() { for _ in $(seq 300); do curl -fs "$1" > answer.json && return; sleep 0.1; done; tail -n 20 ./*.log >&2; return 1; }
ask() { curl -fs "$application/summaries" -H 'Content-Type: application/json' -d @ticket.json > answer.json; }
# until_says TEXT...: ask until the answer has each of them, then show it.
until_says() {
  for _ in $(seq 1200); do
    if ask && has "$@"; then cat answer.json; echo; return; fi
    sleep 0.05
  done
  echo "waited in vain for: $*" >&2; tail -n 20 answer.json application.log >&2; return 1
}
has() { for text in "$@"; do grep -qF -- "$text" answer.json || return 1; done; }
say() { printf '\n# %s\n' "$*"; }
# moved TEXT...: what until_says does, and how long that took.
moved() { local begun="$EPOCHREALTIME"; until_says "$@"; python3 -c "print('shown after %.2f s' % ($EPOCHREALTIME - $begun))"; }

cat > ticket.json <<'END'
{"ticket": "The app crashes on login. I am ana@example.com. It began on Monday. I run 2.2 here. I tried twice. Thank you!"}
END

say "A registry with two releases: production serves v1, staging v2, which answers in three sentences."
cp -r "$here/../01-quickstart" "$here/../01-quickstart/components" "$here/../01-quickstart/support-summarizer" .
PINSET_REGISTRY="$work/registry" bash 01-quickstart/run.sh > quickstart.log
sed -i 's/at most five/at most three/' components/summarizer.md
sed -i 's/2025-03-07-stable/2025-03-14-rc1/; s/summarizer@v1/summarizer@v2/' support-summarizer/release.yaml
pinset component publish prompts/summarizer components/summarizer.md --registry registry
pinset publish support-summarizer -m "shorter answers" --alias staging --registry registry
start_registry

say "The application answers."
start_application
until_says "summarizer@v1" fresh

say "kill -9 of the registry: the application keeps answering."
kill -9 "$registry_pid"; wait "$registry_pid" 2>/dev/null || true
until_says "summarizer@v1" stale

say "It is restarted while the registry is down: its release comes from the disk."
restart_application
until_says "summarizer@v1" disk

say "The registry is back, and production is promoted."
start_registry
until_says "summarizer@v1" fresh
pinset promote support-summarizer@staging production --expect v1 -m "reviewed by ben" --registry "$registry"
moved "summarizer@v2" fresh

say "Rolled back, and promoted again."
pinset rollback support-summarizer@production --from v2 -m "answers lack context" --registry "$registry"
moved "summarizer@v1" fresh
pinset promote support-summarizer@v2 production --again -m "they do not" --registry "$registry"
moved "summarizer@v2" fresh

say "The registry is down again, and v2 turns out badly: pinned by hand, offline."
kill -9 "$registry_pid"; wait "$registry_pid" 2>/dev/null || true
until_says "summarizer@v2" stale
echo "support-summarizer@v1" > pins.txt        # the file is watched
until_says "summarizer@v1" pin

say "Unpinned; what production serves is what the application uses again."
start_registry
: > pins.txt
until_says "summarizer@v2" fresh
curl -fs "$application/healthz"; echo
