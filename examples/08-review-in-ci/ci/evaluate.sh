#!/usr/bin/env bash
# Stands for your evaluation: it is given a release, NAME@vN, and writes a report that `pinset evidence add` understands.
set -euo pipefail
echo '{"suite": "smoke", "score": 1, "threshold": 1}'
