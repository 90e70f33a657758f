#!/usr/bin/env bash
# The submission @GROUP@-@RUN@: scores every candidate of the organisers' JSON into their CSV.
# Usage: bash ./submission.sh <input_file> <output_file>
set -euo pipefail
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
if [ "$#" -ne 2 ]; then
    echo "Give two arguments, the input file and the output file: bash ./submission.sh <input_file> <output_file>" >&2
    exit 2
fi
# -P: what lies in the caller's folder is not imported.
exec python3 -P -m ntcir predict "$1" "$2" --model "$here/model" --group @GROUP@ --run @RUN@
