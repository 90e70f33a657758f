"""NUS-WIDE-LITE as it is published, of any size: tags and features are generated, from the real labels where they are.

    python benchmarks/nuswide_files.py FOLDER

writes all files of 55,615 photographs, but no photographs. Tags name some of a photograph's concepts, among words that
say nothing; features are a random map of its concepts, with noise. What is learnt from them says nothing of real data.
"""

from __future__ import annotations

import argparse
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT.parent / "shared" / "data" / "nuswide" / "nuswide_lite_gt.tar.gz"
SIZES = (27_807, 27_808)  # photographs of Train and of Test
KINDS = {"CH": 64, "CM55": 225, "CORR": 144, "EDH": 73, "WT": 128}  # columns of the published features
WORDS = 1000  # tags that are no concepts
PARTS = ("Train", "Test")


def write_corpus(
    folder: Path, sizes: Sequence[int] = SIZES, concepts: int = 81, kinds: dict[str, int] | None = None, seed: int = 0
) -> None:
    """Write a folder of lists, labels, tags and features.

    Args:
        folder: is made.
        sizes: photographs of both parts.
        concepts: of the ground truth.
        kinds: of features -> columns; those that are published if None.
        seed: of everything that is drawn.
    """
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"concept{number:02}" for number in range(concepts)]
    maps = {kind: draw.normal(size=(concepts, columns)) for kind, columns in (kinds or KINDS).items()}
    lines = []
    for number, (part, size) in enumerate(zip(PARTS, sizes, strict=True)):
        labels = (draw.random((size, concepts)) < 4 / concepts).astype(np.uint8)
        photos = [f"{1_000_000_000 + 2 * row + number}" for row in range(size)]
        _write_lists(folder, part, photos, labels, names)
        lines += _tags(photos, labels, names, draw)
        _write_features(folder, part, labels, maps, draw)
    (folder / "Concepts81.txt").write_text("\r\n".join(names) + "\r\n")
    _write_tags(folder, lines, draw)


def write_full_size(folder: Path, seed: int = 0) -> bool:
    """Write a corpus of 55,615 photographs; return whether its lists and labels are the real ones."""
    if not REAL.is_file():
        write_corpus(folder, seed=seed)
        return False
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(REAL) as archive:
        for member in archive.getmembers():
            member.name = member.name.partition("/")[2]
            if member.name:
                archive.extract(member, folder, filter="data")
    draw = np.random.default_rng(seed)
    names = (folder / "Concepts81.txt").read_text().split()
    maps = {kind: draw.normal(size=(len(names), columns)) for kind, columns in KINDS.items()}
    lines = []
    for part in PARTS:
        files = (folder / "image list" / f"{part}_imageOutPutFileList.txt").read_text().split()
        photos = [file.rpartition("_")[2].removesuffix(".jpg") for file in files]
        truth = folder / "NUS-WIDE-Lite_groundtruth"
        columns = [
            np.frombuffer((truth / f"Lite_Labels_{name}_{part}.txt").read_bytes(), np.uint8)[::2] for name in names
        ]
        labels = np.stack(columns, axis=1) - ord("0")
        lines += _tags(photos, labels, names, draw)
        _write_features(folder, part, labels, maps, draw)
    _write_tags(folder, lines, draw)
    return True


def _write_lists(folder: Path, part: str, photos: Sequence[str], labels: np.ndarray, names: Sequence[str]) -> None:
    lists, truth = folder / "image list", folder / "NUS-WIDE-Lite_groundtruth"
    lists.mkdir(exist_ok=True)
    truth.mkdir(exist_ok=True)
    files = [f"word{row % 7}\\{row % 9999:04}_{photo}.jpg\n" for row, photo in enumerate(photos)]
    (lists / f"{part}_imageOutPutFileList.txt").write_text("".join(files))
    for column, name in enumerate(names):
        (truth / f"Lite_Labels_{name}_{part}.txt").write_text("".join(f"{value}\n" for value in labels[:, column]))


def _tags(photos: Sequence[str], labels: np.ndarray, names: Sequence[str], draw: np.random.Generator) -> list[str]:
    """Return lines of ``All_Tags.txt``: a photograph's number, blanks, its tags."""
    seen = labels.astype(bool) & (draw.random(labels.shape) < 0.8)
    others = draw.integers(0, WORDS, (len(photos), 4))
    words = np.array([*names, *(f"tag{number}" for number in range(WORDS))], dtype=object)
    chosen = [[*np.flatnonzero(row), *more] for row, more in zip(seen, others + len(names), strict=True)]
    return [f"{photo}      {' '.join(words[each])} \n" for photo, each in zip(photos, chosen, strict=True)]


def _write_tags(folder: Path, lines: list[str], draw: np.random.Generator) -> None:
    """Write the tags in another order than the lists', as they are published."""
    (folder / "All_Tags.txt").write_text("".join(lines[row] for row in draw.permutation(len(lines))), encoding="utf-8")


def _write_features(
    folder: Path, part: str, labels: np.ndarray, maps: dict[str, np.ndarray], draw: np.random.Generator
) -> None:
    """Write numbers from 0 to 1 with three digits, a blank behind each: at a GB a second, by table."""
    target = folder / "NUS-WIDE-Lite_features"
    target.mkdir(exist_ok=True)
    digits = np.array([f"{number / 1000:.3f} " for number in range(1000)], dtype="S6")
    for kind, directions in maps.items():
        rows = labels @ directions + draw.normal(size=(len(labels), directions.shape[1]))
        cells = digits[np.clip(rows * 60 + 500, 0, 999).astype(np.int64)]
        text = b"".join(row.tobytes() + b"\n" for row in cells)
        (target / f"Normalized_{kind}_Lite_{part}.dat").write_bytes(text)


def main() -> None:
    """Write a corpus of full size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    real = write_full_size(parser.parse_args().folder)
    print("The lists and labels are the real ones." if real else "The labels are random.")


if __name__ == "__main__":
    main()
