"""What tests of captions share: a corpus of pictures with captions, and tiny text networks made on the spot."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from helpers import write_pictures

import ntcir.corpora
from ntcir.corpora.corpus import Corpus, Request
from ntcir.corpora.records import read_records
from ntcir.system.libraries import confine_libraries, hushed

CAPTIONS = "captions.csv"
CLIP = "tiny-clip"  # as open_clip knows it once ``tiny_clip`` has been called
CLIP_DIM = 8
_MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789,."
_TOKENS = [*_MARKS, *_LETTERS, *(f"##{letter}" for letter in _LETTERS)]
_COLOURS = ("dark", "dim", "grey", "bright")


def write_captioned(folder: Path, *, several: int = 2, per_session: int = 14) -> Path:
    """Write pictures that show their readings, and captions that say what they show in a few words."""
    write_pictures(folder, per_session=per_session)
    rows = []
    for row in pd.read_csv(folder / "records.csv").itertuples():
        said = f"a {_COLOURS[row.warm // 64]} red and a {_COLOURS[row.wet // 64]} blue"
        rows += [{"file": row.file, "text": f"{said}, seen {number} times"} for number in range(several)]
    pd.DataFrame(rows).to_csv(folder / CAPTIONS, index=False)
    return folder


def is_captioned(root: Path) -> bool:
    return (root / CAPTIONS).is_file()


def read_captioned(root: Path, name: str, how: Request) -> Corpus:
    """Read records, and pair each picture with its captions; one without has a missing text."""
    corpus = read_records(root, how.split, name, outside=how.outside)
    captions = pd.read_csv(root / CAPTIONS, dtype=str, keep_default_na=False)
    captions["id"] = captions["file"] + "#" + captions.groupby("file").cumcount().astype(str)
    pairs = corpus.pairs.merge(
        captions.rename(columns={"id": "text", "text": "words"}), left_on="image", right_on="file"
    )
    table = captions.set_index("id")[["text"]].rename_axis("text")
    return replace(
        corpus,
        tables={**corpus.tables, "text": table},
        pairs=pairs.drop(columns=["file", "words"]),
        layout="captioned",
        annotations=frozenset({"text"}),
    )


def know_captioned(patch: pytest.MonkeyPatch) -> None:
    """Let such a folder be recognised."""
    patch.setattr(ntcir.corpora, "LAYOUTS", [(is_captioned, read_captioned), *ntcir.corpora.LAYOUTS])


def tiny_encoder(
    folder: Path, *, seed: int = 0, pooling: str = "mean", length: int = 32, normalise: bool = True
) -> Path:
    """Save a random sentence encoder of 16 dimensions that knows letters, as sentence-transformers does."""
    confine_libraries()
    for library in ("sentence_transformers", "transformers"):
        pytest.importorskip(library)
    with hushed():
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.models import Normalize, Pooling, Transformer
        from transformers import BertConfig, BertModel
        from transformers.utils import logging

        logging.disable_progress_bar()
        raw = folder.with_name(f"{folder.name}-raw")
        raw.mkdir(parents=True)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = BertModel(
                BertConfig(
                    vocab_size=len(_TOKENS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
                    intermediate_size=32, max_position_embeddings=64, initializer_range=0.5,
                )
            )  # fmt: skip
        network.save_pretrained(raw)
        _tokenizer().save_pretrained(raw)
        parts = [Transformer(str(raw), max_seq_length=length), Pooling(16, pooling_mode=pooling)]
        SentenceTransformer(modules=[*parts, *([Normalize()] if normalise else [])], device="cpu").save(str(folder))
    return folder


def _tokenizer() -> Any:
    """Return what cuts words into letters, as BERT's does with words that it does not know."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece
    from transformers import PreTrainedTokenizerFast

    numbers = {token: number for number, token in enumerate(_TOKENS)}
    cutter = Tokenizer(WordPiece(numbers, unk_token="[UNK]"))
    cutter.normalizer, cutter.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    cutter.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), _MARKS, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=cutter, **names)


def tiny_clip(folder: Path) -> None:
    """Let open_clip know a model of 8 dimensions, which begins with random weights."""
    confine_libraries()
    with hushed():
        open_clip = pytest.importorskip("open_clip")
    config = {
        "embed_dim": CLIP_DIM,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{CLIP}.json").write_text(json.dumps(config), encoding="utf-8")
    open_clip.add_model_config(folder)


def clip_model(seed: int = 0) -> Any:
    """Return the model that ``tiny_clip`` made known, with random weights."""
    from ntcir.features.open_clip_models import open_clip_model

    return open_clip_model(CLIP, None, seed)
