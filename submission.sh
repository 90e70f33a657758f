#!/usr/bin/env bash
# As the organisers call it: bash ./submission.sh <input_file> <output_file>
# Takes the newest model under runs/; options of `ntcir predict` may follow. `ntcir bundle` writes the box with its own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ntcir=ntcir
[ -x "$here/.venv/bin/ntcir" ] && ntcir="$here/.venv/bin/ntcir"
command -v "$ntcir" > /dev/null || { echo "ntcir is not installed: type make install in $here, or pip install it" >&2; exit 2; }
exec "$ntcir" predict "$@"
