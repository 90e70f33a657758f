#!/usr/bin/env bash
# Runs the command that the container is given. The organisers' is `bash ./submission.sh <input_file> <output_file>` with
# a folder mounted over /app. Where that hides /app/submission.sh and has none of its own, the image's copy is run.
if [ "${1-}" = bash ] && [ "${2-}" = ./submission.sh ] && [ ! -e ./submission.sh ]; then
    set -- bash "${BASH_SOURCE[0]%/*}/submission.sh" "${@:3}"
fi
exec "$@"
