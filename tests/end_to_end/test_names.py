"""Folders whose names are not UTF-8 are folders like any other."""

from __future__ import annotations

import os
import subprocess
import sys

from helpers import environment, write_pictures


def test_data_and_models_in_folders_whose_names_are_not_utf_8(tmp_path):
    data, out = os.fsdecode(b"caf\xe9"), os.fsdecode(b"mod\xe8le")
    write_pictures(tmp_path / data)
    # The commands one after the other in one process, with a terminal that takes UTF-8 only.
    code = (
        "import sys\nfrom ntcir.cli import main\n"
        "for words in sys.argv[1].split(';'):\n    main(words.split(), standalone_mode=False)\n"
    )
    commands = ";".join(
        [
            f"train --data {data} --iters 10 --out {out}",
            f"train --data {data} --iters 20 --out {out} --resume",
            f"build-topics --data {data} --out topics",
            f"run topics/topics.tsv --model {out}",
            f"features status --data {data}",
            f"features status --data {data} --json",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", code, commands], cwd=tmp_path, capture_output=True,
        env=environment() | {"PYTHONIOENCODING": "utf-8:strict"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-800:]
    assert rb"mod\udce8le" in done.stdout
    done.stdout.decode("utf-8")
