#!/usr/bin/env bash
# An agent is one release too: six prompts, nine tools in three shapes, two models, one config.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"; cd "$work"
pinset init
pinset check "$here/agent"
pinset publish "$here/agent" --alias production -m "six prompts, nine tools"
pinset show research-agent
pinset get research-agent --json | python3 -c '
import json, sys
content = json.load(sys.stdin)["content"]
print(", ".join(f"{len(content[kind])} {kind}" for kind in ("prompts", "tools", "models")))
assert all(set(tool) >= {"name", "description", "parameters"} for tool in content["tools"].values())'
echo '[{"role": "user", "content": "Begin."}]' > history.json
python3 -c 'import json; json.dump({"history": json.load(open("history.json")), "goal": "heat pumps", "notes": "none"}, open("vars.json", "w"))'
pinset render research-agent --prompt writer --vars vars.json
