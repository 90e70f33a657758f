"""The list, for people, of pictures that could not be decoded; stores of old had it nowhere else."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ntcir.system.progress import say
from ntcir.system.regular import open_regular

FAILURES = "failed.csv"
_COLUMNS = ("id", "signature", "reason")


def read_failures(path: Path) -> dict[tuple[str, str], str]:
    """Return the reasons by id and signature, as far as the file can be read: people edit it, and copies are damaged.

    What cannot be read is reported; its pictures are tried again.
    """
    found: dict[tuple[str, str], str] = {}
    try:
        with io.TextIOWrapper(open_regular(path), encoding="utf-8", errors="replace", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                item, sign, reason = (row.get(column) for column in _COLUMNS)
                if isinstance(item, str) and isinstance(sign, str) and isinstance(reason, str):
                    found[item, sign] = reason
    except FileNotFoundError:
        pass
    except OSError as error:
        say(f"Cannot read {path}: {(error.strerror or str(error)).lower()}; its photographs are tried again.")
    except csv.Error as error:
        say(f"{path} is not CSV after line {reader.line_num} ({error}): the photographs from there on are tried again.")
    return found
