"""Race: captions encoded and stored as ``ntcir features texts`` does it, against sentence-transformers' own ``encode``.

    python benchmarks/sentences.py MODEL [--captions 4096] [--file FILE] [--batch 64] [--repeats 5]

MODEL is the folder of a sentence-transformers model. The captions are the lines of a file, what follows a tab where a
line has one (as Flickr8k's and Flickr30k's have), or drawn sentences. Both ways encode the same texts on one network in
one process, in turn; ours also digests, stores and reads them back. Times are medians, also of what the processor
worked, which other programs on a busy machine distort less; shares are of the time of ``encode``.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from score import machine

from ntcir.config import Features, Texts
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.features.text_features import TextFeatures
from ntcir.features.text_networks import open_text_network

_WHO = ("a man", "two children", "a brown dog", "a woman in a red coat", "the person behind the camera", "some people")
_WHAT = (
    "is cooking",
    "run through the water",
    "waits for the bus",
    "reads",
    "jumps over a fence",
    "is talking to a man",
)
_WHERE = ("in the kitchen", "", "on a crowded street in the evening while it rains", "beside a lake", "in an office")


def drawn(number: int) -> list[str]:
    """Return distinct sentences of several lengths."""
    draw = np.random.default_rng(0)
    rest = [" ".join(str(part) for part in draw.choice(_WHERE, draw.integers(0, 4))) for _ in range(number)]
    whole = itertools.cycle(itertools.product(_WHO, _WHAT))
    return [f"{who} {what} {more}, {place}" for place, ((who, what), more) in enumerate(zip(whole, rest, strict=False))]


def ours(texts: list[str], model: Path, batch: int) -> Callable[[], np.ndarray]:
    """Return a function that encodes texts into a new store and reads them back."""
    network = open_text_network(Texts(network=str(model), batch=batch), Features(device="cpu"))
    pairs = pd.DataFrame({"text": []})

    def encode() -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            corpus = Corpus("captions", Path(folder), {}, pairs, False, "captions", ReadingReport())
            features = TextFeatures(corpus, Path(folder), network, texts)
            features.ensure(texts)
            return features.load(texts)

    return encode


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--captions", type=int, default=4096)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    texts = drawn(options.captions)
    if options.file:
        lines = options.file.read_text(encoding="utf-8").splitlines()
        texts = [line.rpartition("\t")[2] for line in lines][: options.captions]
    encode = ours(texts, options.model, options.batch)
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(options.model), device="cpu", local_files_only=True)
    ways = {
        "`ntcir features texts`, stored and read back": encode,
        "sentence-transformers, `encode`": lambda: theirs.encode(
            texts, batch_size=options.batch, show_progress_bar=False
        ),
    }
    seconds: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    found: dict[str, np.ndarray] = {}
    for _ in range(options.repeats):
        for way, call in ways.items():
            begun = time.perf_counter(), time.process_time()
            found[way] = call()
            seconds[way].append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    mine, reference = found.values()
    medians = {way: [statistics.median(each) for each in zip(*taken, strict=True)] for way, taken in seconds.items()}
    of_all, of_processor = list(medians.values())[-1]
    print(f"{machine()}; {len(texts):,} captions, batches of {options.batch}, medians of {options.repeats}")
    print(f"largest difference of a value: {np.abs(mine - reference).max():.1e}\n")
    print("| way | s | captions a second | share | s of the processor | share |\n|---|---|---|---|---|---|")
    for way, (median, worked) in medians.items():
        rate, share, of_work = len(texts) / median, median / of_all, worked / of_processor
        print(f"| {way} | {median:.2f} | {rate:,.0f} | {share:.2f} | {worked:.2f} | {of_work:.2f} |")


if __name__ == "__main__":
    main()
