#!/usr/bin/env bash
# Production that nobody changes alone: evidence, two approvals, a promotion, a rollback, and the glass that is broken
# at night. Every person has a token of their own; the server tells them apart.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"; cd "$work"
serving=""
trap 'test -z "$serving" || kill "$serving" 2>/dev/null || true' EXIT

pinset init
export PINSET_REGISTRY="$work"
secret() { pinset token create --name "$1" --person "$2" --can "$3" 2>/dev/null; }
DORA="$(secret dora dora admin)"                             # keeps the registry, and may break the glass
ANA="$(secret ana ana "author:support-* promoter:support-* approver:support-*")"
BEN="$(secret ben ben approver:support-*)"
CLEO="$(secret cleo cleo approver:support-*)"
CI="$(secret ci ana "author:support-* promote:support-*@staging approve:support-*")"   # ana's pipeline: its approval would be hers
pinset serve --port "${PORT:-7467}" > serve.log 2>&1 & serving=$!
export PINSET_REGISTRY="http://127.0.0.1:${PORT:-7467}"
for _ in $(seq 100); do curl -sf "$PINSET_REGISTRY/healthz" >/dev/null && break; sleep 0.1; done
as() { local token="$1"; shift; PINSET_TOKEN="$token" pinset "$@"; }

echo "== the first release reaches production before there is a policy"
as "$CI" new support-summarizer
first="$(as "$CI" publish support-summarizer -m "first" --alias staging)"
as "$ANA" promote "$first" production -m "launch"

echo "== from here on production is protected"
as "$DORA" policy check "$here/policy.yaml" || true
as "$DORA" policy edit "$here/policy.yaml" -m "two people and a test before production"

echo "== a better release, tested on staging"
sed -i 's/three sentences/two sentences/' support-summarizer/prompts/main.md
tested="$(as "$CI" publish support-summarizer -m "two sentences" --alias staging)"

echo "== ana asks for production, and is told what it wants and what it found"
status=0; as "$ANA" promote "$tested" production -m "shorter answers" || status=$?
echo "exit status $status"

echo "== the evaluation is recorded for exactly this release"
echo '{"suite": "groundedness", "score": 0.93, "threshold": 0.85}' > result.json
as "$CI" evidence add "$tested" --report result.json

echo "== nobody approves what they asked for, with no token of theirs"
status=0; as "$ANA" request approve 1 || status=$?
echo "exit status $status"
status=0; as "$CI" request approve 1 || status=$?
echo "exit status $status"

echo "== two others approve; with the second approval production moves"
as "$BEN" request approve 1 -m "read the diff"
as "$CLEO" request approve 1 -m "scores are fine"
as "$ANA" history support-summarizer@production

echo "== at night it turns out to be wrong: back at once, no approval is needed for what was served before"
as "$ANA" rollback support-summarizer@production --yes -m "tickets are cut off"

echo "== and forward again without two people awake: dora breaks the glass, with a reason, for everybody to see"
sed -i 's/two sentences/four sentences/' support-summarizer/prompts/main.md
mended="$(as "$CI" publish support-summarizer -m "four sentences")"
as "$DORA" promote "$mended" production --break-glass -m "incident 4711, nobody else is awake"
as "$DORA" audit --bundle support-summarizer --limit 8

echo "== a head that is kept elsewhere proves later that the history was not rewritten; every commit is signed"
as "$DORA" audit head > head.txt
as "$DORA" audit verify --since-head head.txt
as "$DORA" verify --signatures
