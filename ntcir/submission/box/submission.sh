#!/usr/bin/env bash
# The submission @GROUP@-@RUN@: scores every candidate of the organisers' JSON into their CSV.
# Usage: bash ./submission.sh <input_file> <output_file>
set -euo pipefail
if [ "$#" -ne 2 ]; then
    echo "Give two arguments, the input file and the output file: bash ./submission.sh <input_file> <output_file>" >&2
    exit 2
fi

# In the image, NTCIR_MODEL names the model, because the caller may mount another one beside this script. Outside the
# image, in the folder that `ntcir bundle` wrote, the model is beside the script.
here=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")
model=${NTCIR_MODEL:-$here/model}

# Create the output's folder only where it will last: inside a mounted folder. In the container's own file system the
# scores would be lost with the container, so there a missing folder is an error.
folder=$(dirname -- "$2")
nearest=$folder
while [ ! -e "$nearest" ]; do nearest=$(dirname -- "$nearest"); done
if [ "$nearest" != "$folder" ] && [ "$(stat -Lc %d -- "$nearest")" != "$(stat -Lc %d /)" ]; then
    mkdir -p -- "$folder" || exit 2
fi

# -P: nothing is imported from the caller's folder.
exec python3 -P -m ntcir predict "$1" "$2" --model "$model" --group @GROUP@ --run @RUN@
