#!/usr/bin/env bash
# A registry, its shared components, and the first release in production.
set -euo pipefail
cd "$(dirname "$0")"
export PINSET_REGISTRY="${PINSET_REGISTRY:-$(mktemp -d)/registry}"

pinset init "$PINSET_REGISTRY"
pinset component publish prompts/house-tone components/house-tone.md
pinset component publish prompts/summarizer components/summarizer.md
pinset component publish indexes/kb-embeddings components/kb-embeddings.yaml --label 2025-03-10
pinset component publish guardrails/pii-redact components/pii-redact.yaml

pinset check support-summarizer
pinset publish support-summarizer -m "first release"
pinset promote support-summarizer@v1 production --expect none
pinset status support-summarizer
pinset render support-summarizer --var ticket="The app crashes on login." --var context="Known issue 4711."
pinset where-used guardrails/pii-redact
