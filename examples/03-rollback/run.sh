#!/usr/bin/env bash
# A bad release is taken back in one command; what it left behind is barred until somebody means it.
set -euo pipefail
work="$(mktemp -d)"; cd "$work"
pinset init
export PINSET_REGISTRY="$work"
pinset new assistant
for sentences in three two one; do
  sed -i "s/in [a-z]* sentences*/in $sentences sentences/" assistant/prompts/main.md
  pinset publish assistant -m "$sentences" --alias production
done

# In a terminal it shows what will happen and asks; a script says what it means with --from.
pinset rollback assistant@production --from v3 -m "too short"
pinset rollback assistant@production --steps 1 --yes --dry-run
status=0
pinset promote assistant@v3 production || status=$?
test "$status" -eq 5 && echo "barred, as it should be"
pinset promote assistant@v3 production --again -m "the application was at fault"
pinset history assistant@production
