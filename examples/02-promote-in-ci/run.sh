#!/usr/bin/env bash
# What a pipeline does on merge: publish to staging, then promote exactly what was tested, if production is still
# what the pipeline saw. Exit status 4 says that somebody else was faster.
set -euo pipefail
work="$(mktemp -d)"; cd "$work"
pinset init
export PINSET_REGISTRY="$work" PINSET_ACTOR="ci"
pinset new assistant
pinset publish assistant -m "first" --alias production

# The pipeline begins: it remembers what production serves.
before="v$(pinset get assistant@production --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["version"])')"
sed -i 's/three sentences/two sentences/' assistant/prompts/main.md
tested="$(pinset publish assistant -m "two sentences" --source "example/repo@abc123")"
pinset promote "$tested" staging
pinset diff "assistant@$before" staging --format markdown > comment.md
echo "the comment for the pull request has $(wc -l < comment.md) lines"

# ... the tests of the application run against staging here ...
pinset promote "$tested" production --expect "$before" -m "tests passed"

# A second pipeline that began at the same time finds that production has moved.
sed -i 's/two sentences/one sentence/' assistant/prompts/main.md
other="$(pinset publish assistant -m "one sentence")"
status=0
pinset promote "$other" production --expect "$before" || status=$?
test "$status" -eq 4
echo "somebody else moved production first: look again, then decide"
