"""Lifelogs and models behind the search page, small enough to be drawn and trained for a test, and a server of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from drawing import draw_picture
from fastapi import FastAPI
from helpers import ROOT, command_line
from lifelogs import write_csv, write_lifelog
from PIL import Image
from published import write_flickr

from ntcir.corpora.concepts import CONCEPTS_FILE
from ntcir.modalities import IMAGE
from ntcir.search.compact import CompactVectors, CompactWriter
from ntcir.serve.app import create_app
from ntcir.serve.collecting.collections import Collections
from ntcir.serve.index.catalogue import Catalogue
from ntcir.serve.index.index import Index
from ntcir.serve.opening import Wanted, open_site
from ntcir.serve.pictures.thumbnails import Thumbnails
from ntcir.serve.pictures.uploads import Uploads
from ntcir.serve.ranking.ranker import Ranker
from ntcir.serve.running import LOOPBACK, Place, bind
from ntcir.serve.site import Site
from ntcir.serve.state import Ask

TOKEN = "a-token-of-the-tests"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"  # what no part of the page may take for HTML
HOSTILE_TOPIC = "<img/src=x/onerror=alert(3)>"
DAYS, HOURS, SHOTS = ("2020-02-28", "2020-03-02", "2020-03-20"), (8, 10, 13, 19), 4


class Scene(NamedTuple):
    """What is the same in all photographs of a scene."""

    place: str
    movement: str
    caption: str
    pulse: float
    latitude: float
    longitude: float


SCENES = (
    Scene("Home", "Inside", "a cup on a table", 58, 53.36, -6.21),
    Scene("Office", "Inside", "a computer on a desk", 72, 53.33, -6.25),
    Scene("The Park", "Walking Outside", "a tree beside a path", 104, 53.30, -6.32),
    Scene(HOSTILE, "Car", f"a road with cars {HOSTILE}", 88, 53.26, -6.13),
)
_SMALL = (
    "features.size=64", "features.crop=64", "features.backbones=[{arch: squeezenet1_1, weights: random}]",
    "towers.dim=16", "training.iters=3", "data.split={by: fraction}", "positives.objects=false",
    "towers.image={standardise: true}", "topics.pool=10",
)  # fmt: skip


def write_days(root: Path) -> Path:
    """Write a lifelog of three days of four scenes with four photographs each, which look alike; return its folder.

    Each scene has its own place, position, pulse and caption; one has a place and a caption that look like HTML.
    """
    located, minutes, concepts, files = [], [], [], {}
    for day, hour, shot in product(DAYS, HOURS, range(SHOTS)):
        scene = SCENES[(DAYS.index(day) + HOURS.index(hour)) % len(SCENES)]
        name = f"{day.replace('-', '')}_{hour:02}{2 * shot:02}30_000.jpg"
        files[name] = scene.place
        where = {"new_lat": scene.latitude + shot * 1e-4, "new_lng": scene.longitude}
        located.append({"ImageID": name, "original_name": scene.place, "movement": scene.movement} | where)
        own = {"semantic_name": scene.place, "heart_rate(bpm)": scene.pulse + shot, "time_zone": "Europe/Dublin"}
        minutes.append({"minute_id": name[:13]} | own)
        concepts.append({"ImageID": name, "Tags": scene.movement, "Caption": scene.caption, "CaptionScore": 0.5})
    write_lifelog(root, located=located, minutes=minutes, missing=list(files))
    for name, scene_name in files.items():
        _draw(root / "images" / name[:6] / name[6:8] / name, list((name[:11] + scene_name).encode()), name)
    write_csv(root / CONCEPTS_FILE, ("ImageID", "Tags", "OCR", "Caption", "CaptionScore"), concepts)
    return root


def _draw(path: Path, scene: Sequence[int], name: str) -> None:
    """Write a picture of a scene's blocks, each with a little noise of its own."""
    blocks = np.random.default_rng(scene).integers(0, 256, (3, 4, 3))
    noise = np.random.default_rng(list(name.encode())).integers(-6, 7, blocks.shape)
    picture = Image.fromarray((blocks + noise).clip(0, 255).astype(np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.resize((96, 72), Image.Resampling.BICUBIC).save(path, quality=90)


def train(pair: str, out: str, config: str) -> Path:
    """Train a model on the lifelog of the current folder, hardly; return its folder."""
    settings = [each for value in (*_SMALL, f"pair={pair}") for each in ("--set", value)]
    _done("train", "--config", str(ROOT / "configs" / config), "--data", "data/days", "--out", out, *settings)
    return Path(out).absolute()


def two_runs(model: Path) -> dict[str, Any]:
    """Build topics of the lifelog, run them, and write a second run: the first one upside down.

    Of the second, one topic is called what looks like HTML.
    """
    _done("build-topics", "--data", "data/days", "--topics-per-day", "3", "--out", "topics", "--pool", "10")
    done = _done("run", "topics/topics.tsv", "--model", str(model))
    for name in ("topics.tsv", "qrels.txt", "pools.tsv"):
        path = Path("topics", name)
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(_first_topic(done), HOSTILE_TOPIC), encoding="utf-8")
    for path in Path("topics").glob("*.manifest.json"):
        path.unlink()  # of the files as they were
    lines = done.replace(_first_topic(done), HOSTILE_TOPIC).splitlines()
    Path("first.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    turned = []
    for topic, some in groupby(map(str.split, lines), key=lambda line: line[0]):
        for rank, (_, _, item, _, score, _) in enumerate(reversed(list(some)), start=1):
            turned.append(f"{topic} Q0 {item} {rank} {-float(score):.9g} second")
    Path("second.txt").write_text("\n".join(turned) + "\n", encoding="utf-8")
    runs = tuple(Path(name).absolute() for name in ("first.txt", "second.txt"))
    return {"runs": runs, "topics": Path("topics/topics.tsv").absolute()}


def _first_topic(run: str) -> str:
    return run.split(maxsplit=1)[0]


def _done(*arguments: str) -> str:
    done = command_line(*arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def site(folder: Path, model: Path, data: Path, **options: Any) -> Site:
    """Open a site that keeps everything in a folder."""
    return open_site(
        Wanted(
            model=model, data=data, index=folder / "index", collections=folder / f"{data.name}-{model.name}.sqlite",
            **options,
        )
    )  # fmt: skip


def captioned(folder: Path) -> Path:
    """Write captioned pictures, which have neither times nor positions; one is called what looks like HTML."""
    parts = {
        "train": [f"{number}.jpg" for number in range(6)],
        "dev": ["<b>bold.jpg", "plain.jpg"],
        "test": ["last.jpg"],
    }
    names = [name for part in parts.values() for name in part]
    lines = [f"{name}#{place}\ta {word}" for name in names for place, word in enumerate(("clock", "person"))]
    return write_flickr(folder, parts, lines=lines)


class Numbered(Sequence[str]):
    """Texts that are numbered, none of them in memory."""

    def __init__(self, count: int, text: str) -> None:
        self._count, self._text = count, text

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: Any) -> Any:
        return self._text.format(row) if 0 <= row < self._count else Numbered.__missing(row)

    @staticmethod
    def __missing(row: int) -> str:
        raise IndexError(row)

    def find(self, text: str) -> int | None:
        digits = "".join(filter(str.isdigit, text))
        return int(digits) if digits and int(digits) < self._count else None


class ByVector:
    """Asks with the same vector, whatever is asked."""

    ways, columns = frozenset({"words"}), ()

    def __init__(self, dim: int) -> None:
        self._dim = dim

    def query(self, ask: Ask, right: Sequence[str] = (), wrong: Sequence[str] = ()) -> np.ndarray:
        return np.eye(1, self._dim, dtype=np.float32)[0]

    def remarks(self, ask: Ask) -> tuple[str, ...]:
        return ()


def many_hits(folder: Path, count: int = 100_000, dim: int = 8) -> Site:
    """Return a site of so many photographs a minute apart, all of them the same picture, with random vectors."""
    draw_picture(folder / "same.jpg")
    with CompactWriter(folder, dim) as writer:
        writer.add(np.random.default_rng(0).normal(size=(count, dim)).astype(np.float32))
    where = np.full((count, 2), np.nan, dtype=np.float32)
    times = 1_584_000_000 + 60 * np.arange(count)
    catalogue = Catalogue(
        IMAGE.name, Numbered(count, "{:06d}.jpg"), Numbered(count, "same.jpg"), times, np.zeros(count, np.int32), True,
        where, {}, {}, None, np.arange(count, dtype=np.int32) // 3,
    )  # fmt: skip
    facets: Any = {"days": [], "labels": {}, "numbers": {}}
    index = Index(folder, catalogue, CompactVectors.open(folder), "many", folder, {}, (), facets, "made")
    asker: Any = ByVector(dim)
    collections = Collections(folder / "collections.sqlite", "many", "model")
    return Site(index, asker, Ranker(index, asker, None), Thumbnails(index), Uploads(folder), None, collections)


@dataclass(frozen=True)
class Served:
    """A server of pages.

    Attributes:
        address: of the first page, with a slash at the end.
        sites: by where they are mounted; the first one at "".
    """

    address: str
    sites: Mapping[str, Site]


@contextmanager
def served(sites: Mapping[str, Site]) -> Iterator[Served]:
    """Serve sites, of which all but "" are mounted in its application as others would mount them."""
    import uvicorn

    app = create_app(sites[""], token=TOKEN, hosts=[LOOPBACK])
    for name, each in sites.items():
        if name:
            app.mount(f"/{name}", create_app(each, token=None, hosts=[LOOPBACK]), name=name)
    with bind(Place()) as listening, _running(app, listening, uvicorn.Config, uvicorn.Server):
        yield Served(f"http://{LOOPBACK}:{listening.getsockname()[1]}/", sites)


@contextmanager
def _running(app: FastAPI, listening: Any, config: Callable[..., Any], server: Callable[..., Any]) -> Iterator[None]:
    made = server(config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield
    finally:
        made.should_exit = True
        thread.join(20)
