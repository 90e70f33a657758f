"""Every kind of file that is read, as it should be, with the reader that a command reads it by.

A kind has a maker of a small folder, the file in it that is to be damaged, and what reads it. Torch is imported where
it is needed: who only wants runs does not wait for it.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import page_kinds
from mutating import BYTES, TEXT, Change, mutated

Inside = Callable[[bytes, Callable[[bytes], bytes]], bytes]


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: of the kind.
        make: writes a folder, in which all is as it should be.
        file: the one that is damaged, in the folder.
        read: reads what is in the folder; returns, or raises a ``UserError``, else something is wrong.
        changes: how it is damaged.
        inside: opens a packed file, lets what is in it be changed and packs it again; used for half of the cases.
        share: how often, as compared to the others.
        cost: how long a case takes, as compared to the others.
        named: whether a user names the file, so that it may be a pipe.
        slow: whether it is left to ``make fuzz``.
    """

    name: str
    make: Callable[[Path], None]
    file: str
    read: Callable[[Path], object]
    changes: Sequence[Change] = TEXT
    inside: Inside | None = None
    share: float = 1.0
    cost: float = 1.0
    named: bool = False
    slow: bool = False

    def damaged(self, data: bytes, draw: np.random.Generator) -> tuple[str, bytes]:
        """Return a damaged version of the file, and what was done to it."""
        if self.inside is None or draw.random() < 0.5:
            return mutated(data, draw, self.changes)
        done: list[str] = []

        def change(part: bytes) -> bytes:
            what, changed = mutated(part, draw)
            done.append(what)
            return changed

        packed = self.inside(data, change)
        return f"inside: {'; '.join(done)}", packed


# ------------------------------------------------------------------------------------------------------ packed files


def _in_gzip(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return gzip.compress(change(gzip.decompress(data)), mtime=0)


def _in_header(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the JSON at the beginning of a ``.safetensors`` file, whose length goes with it."""
    length = int.from_bytes(data[:8], "little")
    header = change(data[8 : 8 + length])
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _in_zip(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Change the pickle in a file of torch's."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(zipfile.ZipInfo(name), change(part) if name.endswith("data.pkl") else part)
    return packed.getvalue()


# ----------------------------------------------------------------------------------------------------------- corpora


def _records(folder: Path) -> None:
    from helpers import write_pictures

    write_pictures(folder / "corpus", per_session=4)


def _lifelog(folder: Path) -> None:
    from lifelogs import write_lifelog

    write_lifelog(folder / "corpus", per_day=3)


def _flickr(folder: Path) -> None:
    from published import write_flickr

    write_flickr(folder / "corpus")


def _karpathy(folder: Path) -> None:
    from published import PARTS, karpathy_records, write_karpathy

    write_karpathy(folder / "corpus", karpathy_records(PARTS, "val2014"))


def _coco(folder: Path) -> None:
    from published import PARTS, coco_lists, write_coco

    write_coco(folder / "corpus", {"train": coco_lists(PARTS["train"]), "val": coco_lists(PARTS["test"], first=50)})


def _read_corpus(folder: Path) -> object:
    from ntcir.config import AutoSplit
    from ntcir.corpora import open_corpus

    corpus = open_corpus(folder / "corpus", AutoSplit())
    return corpus.report.lines()


def _read_captions(folder: Path) -> object:
    from ntcir.config import AutoSplit
    from ntcir.corpora import open_corpus
    from ntcir.formats.columns import is_word

    corpus = open_corpus(folder / "corpus", AutoSplit(), pair=("image", "text"))
    for table in corpus.tables.values():
        if not table.index.is_unique or not all(is_word(item) for item in table.index):
            raise AssertionError("ids are not different words")
    for text in corpus.tables["text"]["text"]:
        if not text.encode() or "\n" in text:
            raise AssertionError("a caption is not a line of text")
    return corpus.report.lines()


NUS = "corpus/NUS-WIDE-Lite_"


def _nus_wide(folder: Path) -> None:
    corpus = folder / "corpus"
    files = {
        "image list/{}_imageOutPutFileList.txt": "a\\1_11.jpg\nb\\2_12{}.jpg\n",
        "NUS-WIDE-Lite_groundtruth/Lite_Labels_sky_{}.txt": "0\n1\n",
        "NUS-WIDE-Lite_groundtruth/Lite_Labels_toy_{}.txt": "1\n1\n",
        "NUS-WIDE-Lite_tags/Lite_Tags1k_{}.txt": "1 0 1 \n0\t0\t1\t\n",
        "NUS-WIDE-Lite_features/Normalized_CH_Lite_{}.dat": "0.5 -1e-3 \n7 8 \n",
        "NUS-WIDE-Lite_features/Normalized_WT_Lite_{}.dat": "1\n2\n",
    }
    for part in ("Train", "Test"):
        for name, text in files.items():
            path = corpus / name.format(part)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(part))
    (corpus / "Concepts81.txt").write_text("sky\r\ntoy\r\n")
    (corpus / "TagList1k.txt").write_text("nature\nsky\ncafé\n", encoding="utf-8")


def _tagged(folder: Path) -> None:
    _nus_wide(folder)
    (folder / "corpus" / "All_Tags.txt").write_text("11      sky café \n12Test      sea\n99      x\n", encoding="utf-8")


def _wikipedia(folder: Path) -> None:
    from published import write_wikipedia

    write_wikipedia(folder / "corpus", {"train": 3, "test": 3})


def _read_wikipedia(folder: Path) -> object:
    from ntcir.config import Config
    from ntcir.corpora import open_corpus
    from ntcir.encoders import open_pair

    config = Config().changed(
        {"pair": ["image", "text"], "towers.image.encoder": "vectors", "towers.text.encoder": "vectors"}
    )
    corpus = open_corpus(folder / "corpus", config.data.split, pair=config.pair)
    rows = open_pair(config, corpus)
    return corpus.report.lines(), [each.dim for each in rows.values()]


def _vector_texts(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.csv").write_text("a.jpg 1 2.5\nb.jpg -3 4e5\n")


def _read_nus(folder: Path) -> object:
    from ntcir.config import AutoSplit
    from ntcir.corpora import open_corpus

    corpus = open_corpus(folder / "corpus", AutoSplit(), pair=("image", "text"))
    return corpus.report.lines(), corpus.categories["image"].to_numpy().sum()


def _read_vectors(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.encoders.vector_files import read_vectors

        found = read_vectors(folder / name, "image", ("image", "id"))
        found.check_numbers(found.ids or [""] * len(found.matrix))
        return found.fingerprint()

    return read


def _resolve(folder: Path) -> object:
    from ntcir.workspace import resolve

    return resolve(None, (), folder / "corpus")


# ---------------------------------------------------------------------------------------------------- configurations


def _configs(folder: Path) -> None:
    from ntcir.config import Config

    folder.mkdir(parents=True, exist_ok=True)
    Config().save(folder / "whole.yaml")
    (folder / "data").mkdir()
    shutil.copy(folder / "whole.yaml", folder / "data" / "ntcir.yaml")
    from toy_grid import write_grid

    write_grid(folder / "grid.yaml")
    space = "{low: 0.001, high: 0.1, log: true}"
    (folder / "tuning.yaml").write_text(
        f"base: whole.yaml\nsearch:\n  training.lr: {space}\n  training.batch: [8, 16]\n"
        "stages: [training.lr, [training.batch]]\ntrials: 3\nseeds: 2\n",
        encoding="utf-8",
    )


def _load_config(folder: Path) -> object:
    from ntcir.config import load_config

    return load_config(folder / "whole.yaml", typed=True)


def _load_grid(folder: Path) -> object:
    from ntcir.ablation.grid import read_grid

    return read_grid(folder / "grid.yaml")


def _load_tuning(folder: Path) -> object:
    from ntcir.tuning.plan import read_tuning

    return read_tuning(folder / "tuning.yaml")


# ------------------------------------------------------------------------------------------- topics, runs and answers


def _ranking(folder: Path) -> None:
    """Write topics, pools, qrels and runs of every format, about the same four topics."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = ["img2sen_001", "img2sen_é", "sen2img_001", "sen2img_002"]
    queries = ["a.jpg", "b.jpg", '{"heart": 70.5, "place": "café"}', '{"heart": null, "steps": 3}']
    stamp = "2020-03-16 16:50:00"
    topics = [f"{topic}\t{stamp}\t{query}" for topic, query in zip(ids, queries, strict=True)]
    pairs = [(topic, f"{number:05}", 5 - number) for topic in ids for number in range(1, 6)]
    (folder / "topics.tsv").write_text("topic_id\ttimestamp\tquery\n" + "\n".join(topics) + "\n", encoding="utf-8")
    pools = [f"{topic}\t{item}" for topic, item, _ in pairs]
    (folder / "pools.tsv").write_text("topic_id\tdoc_id\n" + "\n".join(pools) + "\n", encoding="utf-8")
    (folder / "qrels.txt").write_text("".join(f"{topic} 0 00002 1\n" for topic in ids), encoding="utf-8")
    judged = [f"{topic},{item},20200316_1650,{int(item == '00002')}" for topic, item, _ in pairs]
    header = "topic_id,dmr_minute_id,minute_id,rel\n"
    (folder / "qrels.csv").write_text(header + "\n".join(judged) + "\n", encoding="utf-8")
    trec = "".join(f"{topic} Q0 {item} {6 - score} {score / 7:.9g} x\n" for topic, item, score in pairs)
    (folder / "run.txt").write_text(trec, encoding="utf-8")
    (folder / "run.txt.gz").write_bytes(gzip.compress(trec.encode(), mtime=0))
    rows = [f"ORG,base,{topic},{item},{score / 7:.9g}" for topic, item, score in pairs]
    header = "group_id,run_id,topic_id,dmr_minute_id,score\n"
    (folder / "run.csv").write_text(header + "\n".join(rows) + "\n", encoding="utf-8")
    rows = [f"ORG,base,KIS2600{number % 3},{item}.jpg,{score}" for number, (_, item, score) in enumerate(pairs)]
    (folder / "lifelog.csv").write_text("GROUP-ID,RUN-ID,TOPIC-ID,IMAGE-ID,SCORE\n" + "\n".join(rows) + "\n")


def _score(run: str, qrels: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.report.score_table import score_files

        told = io.StringIO()
        score_files(
            folder / run, folder / qrels, told, pools=None, topics=None, as_json=False, per_topic=True,
            mrr="official", names=None, write_run=None, write_qrels=None, layout=None, group=None,
        )  # fmt: skip
        return told.getvalue()

    return read


def _write_again(run: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.formats.matching import read_run
        from ntcir.report.score_table import save_run

        save_run(read_run(folder / run), folder / "again.txt", None, None)
        return save_run(read_run(folder / "again.txt"), folder / "again.csv", "ORG", "transfer")

    return read


def _topics(folder: Path) -> object:
    from ntcir.formats.topics import read_topics

    return read_topics(folder / "topics.tsv")


# ---------------------------------------------------------------------------------------------- the organisers' input


@cache
def _asked_model() -> Any:
    from bundling import small_model
    from helpers import embed_networks

    model = small_model()
    embed_networks(model)
    return model


def _input(folder: Path) -> None:
    from ntcir.submission.example import write_example

    write_example(folder / "input.json", _asked_model().encoders["sensor"])
    # A record's picture is nearly all of it; small ones leave something to be damaged besides.
    records = json.loads((folder / "input.json").read_bytes())
    for record in records:
        record["image"] = [[row[:3] for row in plane[:2]] for plane in record["image"]]
    text = json.dumps(records).encode()
    (folder / "input.json").write_bytes(text)
    (folder / "input.json.gz").write_bytes(gzip.compress(text, mtime=0))


def _predict(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.submission.predict import score_input

        model = _asked_model()
        return score_input(str(folder / name), model, model.encoders["image"].networks)

    return read


# ---------------------------------------------------------------------------------------------------------- pictures

PICTURES = ("jpg", "png", "webp", "tif", "bmp", "gif", "jp2", "avif", "ppm", "qoi")


def _pictures(folder: Path) -> None:
    from picturing import ramp, turned_jpeg
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(ramp(48, 32))
    for ending in PICTURES[1:]:
        picture.save(folder / f"a.{ending}")
    turned_jpeg(folder / "a.jpg", picture, 6)


def _look(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.features.decode import UnreadableImage, decode, load_image
        from ntcir.features.letterbox import Frame, letterbox
        from ntcir.features.preprocessing import Square
        from ntcir.submission.readers import read_upright

        small = Square(size=32, crop=32)
        for way in (
            load_image, lambda path: decode(path, small), lambda path: decode(path, replace(small, decode="scaled")),
            lambda path: decode(path, replace(small, interpolation="bicubic", reduced=False)),
            lambda path: letterbox(path, Frame(64, 64, 32)), read_upright,
        ):  # fmt: skip
            try:
                way(str(folder / name))
            except UnreadableImage as error:
                if error.passing:
                    raise AssertionError(f"it is tried again for ever: {error}") from error
        return None

    return read


# ------------------------------------------------------------------------------------------------ weights and models


def _weights(folder: Path) -> None:
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    state = {f"module.layer{number}.weight": torch.randn(4, 3) for number in range(4)}
    torch.save({"state_dict": state, "epoch": 3, "arch": "toy"}, folder / "a.pth")
    torch.save(state, folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(state, folder / "a.safetensors")


def _checkpoint(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.features.weights import read_checkpoint

        return read_checkpoint(folder / name)

    return read


def _model(folder: Path) -> None:
    from helpers import fit, toy_config

    fit(toy_config(training__iters=4, training__validate_every=2, sensors__categories="embedding"), folder / "m")


def _load_model(folder: Path) -> object:
    from helpers import encode_readings, toy_corpus

    from ntcir.model.model import Model

    model = Model.load(folder / "m")
    return encode_readings(model, toy_corpus(per_group=1).sensors).vectors


def _word_vectors(folder: Path) -> None:
    from word_vector_files import lines_of, write_fasttext

    folder.mkdir(parents=True, exist_ok=True)
    matrix = np.random.default_rng(0).normal(size=(3 + 20, 4)).astype(np.float32)
    vectors = dict(zip(("dog", "the", "café"), matrix.tolist(), strict=False))
    text = lines_of(vectors, header=True, end=" ").encode()
    (folder / "words.vec").write_bytes(text)
    (folder / "words.txt").write_text(lines_of(vectors, header=False), encoding="utf-8")
    (folder / "words.vec.gz").write_bytes(gzip.compress(text, mtime=0))
    (folder / "words.json").write_text(json.dumps(vectors), encoding="utf-8")
    write_fasttext(folder / "words.bin", vectors, matrix, buckets=20, most=4)


def _look_up(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.features.word_vectors import read_word_vectors

        return read_word_vectors(folder / name, ["café", "dogs", "dog"]).vectors

    return read


def _caption_model(folder: Path) -> None:
    from helpers import fit
    from toy_captions import caption_config, captioned

    config = caption_config(training__iters=2, training__validate_every=2, texts__form="sum")
    fit(config, folder / "m", corpus=captioned())


def _load_caption_model(folder: Path) -> object:
    from ntcir.model.model import Model

    model = Model.load(folder / "m")
    encoder: Any = model.encoders["text"]
    return model.unit_vectors("text", encoder.rows([encoder.numbered("A warm day, and bright"), []]))


@cache
def _empty_model(folder: Path) -> Any:
    from ntcir.model.model import Model

    return Model.load(folder)


def _resume(folder: Path) -> object:
    import torch

    from ntcir.model.model import Model
    from ntcir.training.checkpoint import LAST, load_checkpoint, read_progress

    read_progress(folder / "m" / LAST)
    model = Model.load(folder / "m")
    return load_checkpoint(folder / "m", model, torch.optim.Adam([*model.towers.parameters()]))


def _curve(folder: Path) -> object:
    from ntcir.model.metrics import METRICS, read_metrics

    return read_metrics(folder / "m" / METRICS)


# -------------------------------------------------------------------------------------------------------- the stores

_META = {"fingerprint": "f" * 64, "dim": 3}
_IDS = [f"{number:05}" for number in range(8)]
_SIGNS = [f"{number}-1" for number in range(8)]


def _stores(folder: Path) -> None:
    from ntcir.features.store import DetectionStore, FeatureStore

    draw = np.random.default_rng(3)
    features, objects = FeatureStore(folder / "features", _META), DetectionStore(folder / "objects", _META)
    for block in range(2):
        part = slice(4 * block, 4 * block + 4)
        ids, signs, failed = _IDS[part], _SIGNS[part], [(f"bad-{block}", "1-1", "cut off")]
        features.write(block, ids, signs, draw.standard_normal((4, 3)).astype(np.float32), failed)
        objects.append(ids, signs, list(draw.standard_normal((4, 2, 6)).astype(np.float32)), failed)
    features.note_backend("eager fp32")
    for store in (features, objects):
        store.list_failed({})
        for number, path in enumerate(sorted(store.folder.glob("shard-*.npy"))):
            for suffix in (".npy", ".json"):  # names that a kind can be given
                path.with_suffix(suffix).rename(path.with_name(f"shard-{number}{suffix}"))


def _fill(which: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.features.status import _meta_of
        from ntcir.features.store import DetectionStore, FeatureStore

        place = folder / which
        _meta_of(place)
        store: Any = FeatureStore(place, _META) if which == "features" else DetectionStore(place, _META)
        store.check(_IDS, _SIGNS)
        there = [at for at in range(8) if store.has(_IDS[at], _SIGNS[at])]
        asked = [_IDS[at] for at in there], [_SIGNS[at] for at in there]
        if which == "features":
            store.load(*asked, np.empty((len(there), 3), dtype=np.float32))
            store.note_backend("compile bf16")
        else:
            store.load(*asked)
        store.list_failed({})
        return store.failed({})

    return read


# ----------------------------------------------------------------------------------------------- marks and ablations


def _marks(folder: Path) -> None:
    from ntcir.ablation.results import Result

    for name in ("bundle", "demo"):
        (folder / name).mkdir(parents=True)
    facts = {"made_by": "ntcir bundle", "ntcir": "0.1.0", "group": "ORG", "run": "a", "fingerprints": ["f" * 64]}
    (folder / "bundle" / "bundle.json").write_text(json.dumps(facts, indent=1))
    (folder / "demo" / "demo.json").write_text(json.dumps({"format": "ntcir demo", "version": 3, "complete": True}))
    found = {"img2sen": {"img2sen_1": 0.5, "img2sen_2": 1.0}, "sen2img": {"sen2img_1": 0.25}}
    what = {"method": "plain", "iterations": 10, "seed": 0}
    Result(found, 1.5, 10, what).save(folder / "result.json")


def _mark(folder: Path) -> object:
    from ntcir.submission.bundle import _check_place

    return _check_place(folder / "bundle")


def _demo(folder: Path) -> object:
    from ntcir_demo import write_demo

    summary = write_demo(folder / "demo", days=3, per_day=1, seed=0, workers=1)
    return summary.photographs


def _result(folder: Path) -> object:
    from ntcir.ablation.results import load_result
    from ntcir.formats.topics import Topic, TopicSet
    from ntcir.modalities import direction

    asked = [("img2sen_1", "img2sen"), ("img2sen_2", "img2sen"), ("sen2img_1", "sen2img")]
    topics = [Topic(name, "", "", direction(way)) for name, way in asked]
    fold: Any = SimpleNamespace(topics=TopicSet(topics, {}, {}))
    return load_result(folder / "result.json", fold)


# --------------------------------------------------------------------------------------------------------- detectors


def _detectors(folder: Path) -> None:
    from detecting import make_detector

    folder.mkdir(parents=True, exist_ok=True)
    make_detector(folder / "tiny.pt")


def _openvino(folder: Path) -> None:
    from detecting import make_detector

    from ntcir.features.yolo import import_yolo

    folder.mkdir(parents=True, exist_ok=True)
    import_yolo()(str(make_detector(folder / "tiny.pt")), task="detect").export(format="openvino", imgsz=64)
    (folder / "tiny.pt").unlink()


def _detect(name: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        from ntcir.config import Objects
        from ntcir.features.detector import Detector, digest, find_weights

        path = find_weights(str(folder / name))
        digest(path)
        return Detector(path, Objects(detector=str(path), size=64, batch=1)).names

    return read


KINDS = [
    Kind("records.csv", _records, "corpus/records.csv", _read_corpus, share=2),
    Kind("lsc22_metadata.csv", _lifelog, "corpus/lsc22_metadata.csv", _read_corpus),
    Kind("vaisl_gps.csv", _lifelog, "corpus/vaisl_gps.csv", _read_corpus),
    Kind("Flickr8k.token.txt", _flickr, "corpus/Flickr8k.token.txt", _read_captions),
    Kind("Flickr_8k.devImages.txt", _flickr, "corpus/Flickr_8k.devImages.txt", _read_captions, share=0.5),
    Kind("dataset_flickr8k.json", _karpathy, "corpus/dataset_flickr8k.json", _read_captions),
    Kind("captions_val2017.json", _coco, "corpus/annotations/captions_val2017.json", _read_captions),
    Kind("image list", _nus_wide, "corpus/image list/Train_imageOutPutFileList.txt", _read_nus),
    Kind("labels", _nus_wide, f"{NUS}groundtruth/Lite_Labels_sky_Train.txt", _read_nus, share=0.5),
    Kind("concepts", _nus_wide, "corpus/Concepts81.txt", _read_nus, share=0.5),
    Kind("tags", _tagged, "corpus/All_Tags.txt", _read_nus),
    Kind("matrix of tags", _nus_wide, f"{NUS}tags/Lite_Tags1k_Test.txt", _read_nus, share=0.5),
    Kind("features.dat", _nus_wide, f"{NUS}features/Normalized_CH_Lite_Train.dat", _read_vectors(f"{NUS}features")),
    Kind("rows.csv", _vector_texts, "rows.csv", _read_vectors("rows.csv")),
    Kind("trainset.list", _wikipedia, "corpus/trainset_txt_img_cat.list", _read_wikipedia, share=0.5),
    Kind("categories.list", _wikipedia, "corpus/categories.list", _read_wikipedia, share=0.5),
    Kind("raw_features.mat", _wikipedia, "corpus/raw_features.mat", _read_wikipedia, changes=BYTES, share=0.5),
    Kind("ntcir.yaml", _records, "corpus/ntcir.yaml", _resolve),
    Kind("config.yaml", _configs, "whole.yaml", _load_config, named=True),
    Kind("ablation.yaml", _configs, "grid.yaml", _load_grid, named=True),
    Kind("tuning.yaml", _configs, "tuning.yaml", _load_tuning, named=True),
    Kind("topics.tsv", _ranking, "topics.tsv", _topics, share=2, named=True),
    Kind("scored topics.tsv", _ranking, "topics.tsv", _score("run.txt", "qrels.txt")),
    Kind("pools.tsv", _ranking, "pools.tsv", _score("run.txt", "qrels.txt"), share=2),
    Kind("qrels.txt", _ranking, "qrels.txt", _score("run.txt", "qrels.txt"), share=2, named=True),
    Kind("qrels.csv", _ranking, "qrels.csv", _score("run.csv", "qrels.csv"), share=2, named=True),
    Kind("run.txt", _ranking, "run.txt", _score("run.txt", "qrels.txt"), share=3, named=True),
    Kind("run.csv", _ranking, "run.csv", _score("run.csv", "qrels.csv"), share=3, named=True),
    Kind("lifelog.csv", _ranking, "lifelog.csv", _score("lifelog.csv", "qrels.txt"), named=True),
    Kind("run.txt.gz", _ranking, "run.txt.gz", _score("run.txt.gz", "qrels.txt"), inside=_in_gzip, named=True),
    Kind("rewritten run.txt", _ranking, "run.txt", _write_again("run.txt"), named=True),
    Kind("rewritten run.csv", _ranking, "run.csv", _write_again("run.csv"), named=True),
    Kind("input.json", _input, "input.json", _predict("input.json"), share=2, named=True),
    Kind("input.json.gz", _input, "input.json.gz", _predict("input.json.gz"), inside=_in_gzip, share=0.3, named=True),
    *(Kind(f"picture.{end}", _pictures, f"a.{end}", _look(f"a.{end}"), changes=BYTES, share=0.7) for end in PICTURES),
    Kind("weights.pth", _weights, "a.pth", _checkpoint("a.pth"), changes=BYTES, inside=_in_zip),
    Kind("weights of old.pth", _weights, "old.pth", _checkpoint("old.pth"), changes=BYTES),
    Kind("weights.safetensors", _weights, "a.safetensors", _checkpoint("a.safetensors"), inside=_in_header),
    Kind("model/config.yaml", _model, "m/config.yaml", _load_model, share=0.5),
    Kind("model/encoders.json", _model, "m/encoders.json", _load_model, share=0.5),
    Kind("model/model.json", _model, "m/model.json", _load_model, share=0.5),
    Kind("model/model.safetensors", _model, "m/model.safetensors", _load_model, inside=_in_header, share=0.5),
    Kind("model/last.safetensors", _model, "m/last.safetensors", _resume, inside=_in_header, share=0.5),
    Kind("model/metrics.jsonl", _model, "m/metrics.jsonl", _curve),
    Kind("words.vec", _word_vectors, "words.vec", _look_up("words.vec"), named=True),
    Kind("words.txt", _word_vectors, "words.txt", _look_up("words.txt"), named=True),
    Kind("words.vec.gz", _word_vectors, "words.vec.gz", _look_up("words.vec.gz"), inside=_in_gzip, named=True),
    Kind("words.json", _word_vectors, "words.json", _look_up("words.json"), named=True),
    Kind("words.bin", _word_vectors, "words.bin", _look_up("words.bin"), changes=BYTES, named=True),
    Kind("caption model/encoders.json", _caption_model, "m/encoders.json", _load_caption_model, share=0.5),
    Kind("features/shard.npy", _stores, "features/shard-1.npy", _fill("features"), changes=BYTES),
    Kind("features/shard.json", _stores, "features/shard-1.json", _fill("features")),
    Kind("features/meta.json", _stores, "features/meta.json", _fill("features")),
    Kind("features/failed.csv", _stores, "features/failed.csv", _fill("features"), share=0.5),
    Kind("features/backends.json", _stores, "features/backends.json", _fill("features"), share=0.5),
    Kind("objects/shard.npy", _stores, "objects/shard-1.npy", _fill("objects"), changes=BYTES, share=0.5),
    Kind("objects/shard.json", _stores, "objects/shard-1.json", _fill("objects")),
    Kind("result.json", _marks, "result.json", _result),
    Kind("bundle.json", _marks, "bundle/bundle.json", _mark, share=0.5),
    Kind("topics to search", page_kinds.search_topics, "topics.tsv", page_kinds.read_search_topics, named=True),
    Kind("collections", page_kinds.collected, "collections.sqlite", page_kinds.read_collected, BYTES, share=0.3),
    *(
        Kind(f"index/{name}", page_kinds.index, name, page_kinds.read_index, changes=changes, share=0.3)
        for name, changes in (
            ("index.json", TEXT), ("vectors.json", TEXT), ("labels.npy", BYTES), ("ids.starts.npy", BYTES),
            ("ids.txt", BYTES), ("times.npy", BYTES),
        )
    ),
    Kind("demo.json", _marks, "demo/demo.json", _demo, share=0.03, slow=True),
    Kind("detector.pt", _detectors, "tiny.pt", _detect("tiny.pt"), changes=BYTES, inside=_in_zip, share=0.1, slow=True),
    *(
        Kind(f"openvino/{name}", _openvino, f"tiny_openvino_model/{name}", _detect("tiny_openvino_model"), share=0.05,
             changes=changes, slow=True)
        for name, changes in (("tiny.xml", TEXT), ("tiny.bin", BYTES), ("metadata.yaml", TEXT))
    ),
]  # fmt: skip


# What a harness must see: these are no kinds of file, but ways to end badly, by the first letter of the file.
def _badly(folder: Path) -> object:
    how = (folder / "letter").read_bytes()[:1]
    if how == b"a":
        raise KeyError("a")
    if how == b"b":
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == b"c":
        time.sleep(3600)
    if how == b"d":
        return bytearray(1 << 40)
    if how == b"e":
        (folder / ".letter.new").write_bytes(b"half")
    return None


def _letter(folder: Path) -> None:
    folder.mkdir()
    (folder / "letter").write_bytes(b"ok")


LETTERS = tuple((lambda data, draw, letter=letter: letter) for letter in (b"a", b"b", b"c", b"d", b"e", b"f"))
BAD = Kind("bad", _letter, "letter", _badly, changes=LETTERS, slow=True)
