"""What is there: corpora of items that belong together, recognised by their layout and read.

A new layout is a module with two functions and a line in ``LAYOUTS``: how to recognise a folder of it, and how to read
one as a ``Corpus``. One that lies outside this package adds its line before a corpus is opened::

    LAYOUTS.append((is_captions, read_captions))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ntcir.config import Split
from ntcir.corpora.coco import is_coco, read_coco
from ntcir.corpora.corpus import Corpus, Request
from ntcir.corpora.flickr import is_flickr, read_flickr
from ntcir.corpora.karpathy import is_karpathy, read_karpathy
from ntcir.corpora.lifelog import is_lifelog, read_lifelog, refuse_lsc20
from ntcir.corpora.naming import corpus_name
from ntcir.corpora.nus_wide import read_nus_wide
from ntcir.corpora.nus_wide_files import is_nus_wide, refuse_packed
from ntcir.corpora.records import is_records, read_records
from ntcir.corpora.wikipedia import is_wikipedia, read_wikipedia
from ntcir.modalities import DEFAULT_PAIR
from ntcir.system.errors import UserError

# The first that recognises a folder reads it: from the folder, the corpus's name, and how it is to be read.
LAYOUTS: list[tuple[Callable[[Path], bool], Callable[[Path, str, Request], Corpus]]] = [
    (is_lifelog, lambda root, name, how: read_lifelog(root, how.split, name, how.pair)),
    (is_nus_wide, read_nus_wide),
    (is_karpathy, read_karpathy),
    (is_flickr, read_flickr),
    (is_coco, read_coco),
    (is_records, lambda root, name, how: read_records(root, how.split, name, outside=how.outside, pair=how.pair)),
    (is_wikipedia, read_wikipedia),  # last, for its files may lie in a folder of another corpus's
]


def open_corpus(
    root: Path,
    split: Split | None,
    *,
    outside: bool = False,
    pictures: Path | None = None,
    pair: Sequence[str] = DEFAULT_PAIR,
) -> Corpus:
    """Read the corpus in a folder, whatever its layout.

    Args:
        root: the folder.
        split: how it is split; None for a corpus whose pairs are in no split.
        outside: whether its tables may name photographs outside its folder.
        pictures: one more folder in which the pictures of a captioned corpus are looked for.
        pair: two modalities, whose pairs it is to have (``Corpus.of_pair``).

    Raises:
        UserError: if the layout is unknown, the files are not valid, or a session is missing that
            ``split`` names.
    """
    how = Request(split, outside, pictures, pair)
    for recognise, read in LAYOUTS:
        if recognise(root):
            corpus = read(root, corpus_name(root), how).of_pair(pair)
            if corpus.pairs.empty:
                reasons = corpus.report.sentence()
                raise UserError(f"{root} holds no usable pair ({reasons}).")
            return corpus
    refuse_lsc20(root)
    refuse_packed(root)
    if (root / "demo.json").is_file():
        raise UserError(f"{root} holds an incomplete demo: run `ntcir demo {root}` again.")
    raise UserError(
        f"{root} is neither a Lifelog-6 folder (lsc22_metadata.csv, vaisl_gps.csv, images/), nor one of captioned "
        "pictures (Flickr8k.token.txt, results_20130124.token, dataset_flickr8k.json, dataset_flickr30k.json, "
        "dataset_coco.json, annotations/captions_*2017.json or captions_*2014.json), nor NUS-WIDE-LITE "
        "(Train_imageOutPutFileList.txt, Test_imageOutPutFileList.txt), nor the Wikipedia collection "
        "(trainset_txt_img_cat.list, testset_txt_img_cat.list), nor a records folder (records.csv, images/)."
    )
