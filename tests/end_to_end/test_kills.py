"""Every command that writes, ended or out of room at the changes of the file system that it makes.

Whatever is there afterwards is the old or the new, or is refused in one sentence; and the command typed again comes to
what it would have come to. A few changes of each command are tried; with NTCIR_ALL_KILLS=1 in the environment all are.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from helpers import environment, write_pictures
from killing import KILLED, NEEDS_ROOM, Ended, Server

from ntcir.submission.sums import changed_since

ALL = bool(os.environ.get("NTCIR_ALL_KILLS"))
LEFTOVERS_STAY = False  # of killed commands, until the next one: temporary files and folders, which count for nothing
_TEMPORARY = re.compile(r"(^|/)\.[^/]+\.[a-z0-9_]{8}(\.[^/.]*)?(/|$)")

Tree = dict[str, bytes]
Check = Callable[["Place", "Scenario"], None]


class Place:
    """A folder in which commands are typed.

    Args:
        server: runs them.
        folder: with whatever a scenario starts from.
    """

    def __init__(self, server: Server, folder: Path) -> None:
        self._server, self.folder = server, folder

    def type(
        self, *words: str, kill: int | None = None, full: int | None = None, out: str | None = None
    ) -> Ended:  # fmt: skip
        """Run a command; ``out`` is where its output goes."""
        return self._server.run(words, self.folder, kill=kill, full=full, out=Path(out) if out else None)

    def tree(self, *, leftovers: bool = False) -> Tree:
        """Return all files by name, with temporary ones or without."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.is_file() and (leftovers or not _TEMPORARY.search(name)):
                found[name] = path.read_bytes()
        return found


@dataclass(frozen=True)
class Scenario:
    """A command that writes.

    Attributes:
        words: of the command.
        start: the state that it is typed in.
        check: looks at what is there after it was ended; raises if that is wrong.
        out: where its output goes.
        again: what is added where the same command asks for it.
        aside: files that are not the same in each run, as a pattern.
        kills: changes at which it is ended, unless all are tried.
    """

    words: Sequence[str]
    start: str
    check: Check
    out: str | None = None
    again: tuple[str, ...] = ()
    aside: str = "(?!)"
    kills: int = 2
    old: dict[str, Tree] = field(default_factory=dict)


def is_sentence(ended: Ended) -> bool:
    """Return whether a command ended as for a user's mistake."""
    lines = ended.err.strip().splitlines()
    return ended.code == 2 and lines[-1].startswith("Error: ") and "Traceback" not in ended.err


def must_be_fine(ended: Ended) -> None:
    assert ended.code == 0 or is_sentence(ended), (ended.code, ended.err)


def answered(place: Place, words: Sequence[str]) -> Ended:
    """Answer the topics that are there, and score that by the answers that are there; return how the last one ended."""
    name = words[-1]
    ended = place.type(*words) if name.endswith(".csv") else place.type(*words[:-1], out=name)
    must_be_fine(ended)
    if ended.code == 0:
        ended = place.type("score", name, "--json")
        must_be_fine(ended)
    (place.folder / name).unlink(missing_ok=True)
    return ended


def known(*words: str) -> Check:
    """Return a check that topics are answered and scored as the old or as the new ones, or refused in a sentence."""

    def check(place: Place, scenario: Scenario) -> None:
        ended = answered(place, words)
        if ended.code == 0:
            assert ended.out in ANSWERS[words], ended.out
            assert "WARNING" not in ended.err

    return check


def files(*names: str) -> Check:
    """Return a check that files are the old or the new ones."""

    def check(place: Place, scenario: Scenario) -> None:
        there = place.tree()
        for name in names:
            assert there.get(name) in [tree.get(name) for tree in scenario.old.values()], name

    return check


def runs(*words: str) -> Check:
    """Return a check that a command works, or refuses in a sentence."""
    return lambda place, scenario: must_be_fine(place.type(*words))


def a_demo(place: Place, scenario: Scenario) -> None:
    must_be_fine(place.type("build-topics", "--data", "demo", "--pool", "2", "--out", "tried"))
    shutil.rmtree(place.folder / "tried", ignore_errors=True)


def bundle_is_whole(place: Place, scenario: Scenario) -> None:
    bundle = place.folder / "dist" / "ORG-a"
    if bundle.exists():
        assert (bundle / "SHA256SUMS").is_file()
        assert changed_since(bundle) == []


STATUS = ("features", "status", "--json")
ANSWER, PREDICT = (
    ("run", "topics.tsv", "--model", "m", "now.txt"),
    ("predict", "--model", "m", "topics/input.json", "now.csv"),
)
ANSWERS: dict[tuple[str, ...], set[str]] = {}  # how the old and the new topics are answered by them
TRAIN = ("train", "--iters", "4", "--set", "training.validate_every=2", "--out", "m")
# A validation's seconds, a timed choice of backend, and what is drawn from them.
TIMED = r"metrics\.jsonl|backends\.json|stores?\.json"

SCENARIOS = {
    "topics": Scenario(("build-topics", "--seed", "1"), "answered", known(*ANSWER), kills=5),
    "the first topics": Scenario(("build-topics",), "begun", runs("score")),
    "official topics": Scenario(
        ("build-topics", "--seed", "1", "--format", "official"), "answered", known(*PREDICT), kills=5
    ),
    "features images": Scenario(("features", "images"), "begun", runs(*STATUS), aside=TIMED),
    "features objects": Scenario(
        ("features", "objects", "--detector", "demo", "--csv", "objects.csv", "--set", "objects.size=64"), "begun",
        runs(*STATUS), aside=TIMED + r"|shard-",
    ),
    "train": Scenario(TRAIN, "stored", runs("run", "topics.tsv", "--model", "m"), again=("--resume",), aside=TIMED),
    "train --resume": Scenario(
        (*TRAIN, "--resume"), "interrupted", runs("run", "topics.tsv", "--model", "m"), aside=TIMED
    ),
    "ablate": Scenario(
        ("ablate", "grid.yaml", "--out", "ablation"), "stored", runs(*STATUS),
        aside=TIMED + r"|ablation/(results\.csv|table\.md|chart\.png|cells/)",
    ),
    "run": Scenario(
        ("run", "topics.tsv", "--model", "m"), "without features", runs("score"), out="run.txt", aside=TIMED
    ),
    "predict": Scenario(
        ("predict", "topics/input.json", "scores.csv", "--model", "m", "--group", "NEW"), "answered",
        files("scores.csv"),
    ),
    "score --write": Scenario(
        ("score", "--write-run", "again.csv", "--write-qrels", "judged.csv"), "answered",
        files("again.csv", "judged.csv"),
    ),
    "show": Scenario(("show", "img2sen_s4", "--out", "picture.png"), "answered", files("picture.png")),
    "explain": Scenario(
        ("explain", "--reading", '{"warm": 9}', "--model", "m", "--cells", "1", "--out", "explained"), "answered",
        files("explained/explanation.json", "explained/explanation.png"), kills=1,
    ),
    "demo": Scenario(
        ("demo", "demo", "--days", "3", "--per-day", "3"), "answered", a_demo
    ),
    "bundle": Scenario(
        ("bundle", "m", "--group", "ORG", "--run", "a", "--no-rehearsal"), "answered", bundle_is_whole
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    corpus = write_pictures(tmp_path_factory.mktemp("corpus") / "toy")
    variables = environment() | {"NTCIR_DATA": str(corpus), "XDG_CACHE_HOME": str(folder / "cache")}
    with Server(folder, variables) as running:
        yield running


@pytest.fixture(scope="module")
def states(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders that scenarios start from."""
    states = tmp_path_factory.mktemp("states")

    def state(name: str, origin: str = "") -> Callable[..., Ended]:
        if origin:
            shutil.copytree(states / origin, states / name)
        else:
            (states / name).mkdir()

        def done(*words: str, code: int = 0, **options: int | str | None) -> Ended:
            ended = Place(server, states / name).type(*words, **options)  # type: ignore[arg-type]
            assert ended.code == code, ended.err
            return ended

        return done

    done = state("topics")
    done("build-topics")
    done = state("stored", "topics")
    done("features", "images")
    grid = {"iterations": [2], "methods": {"plain": {}}, "weights": {"tiny": None}, "topics": {"pool": 14}}
    grid |= {"base": f"{environment_data(server)}/ntcir.yaml", "changes": {"training.validate_every": 2}}
    (states / "stored" / "grid.yaml").write_text(yaml.safe_dump(grid))
    done = state("interrupted", "stored")
    done(*TRAIN, code=KILLED, kill=13)
    for leftover in (states / "interrupted" / "m").glob(".*"):
        leftover.unlink()
    done = state("answered", "stored")
    done(*TRAIN)
    done("run", "topics.tsv", "--model", "m", out="run.txt")
    done("build-topics", "--format", "official")
    done("predict", "topics/input.json", "scores.csv", "--model", "m")
    done("bundle", "m", "--group", "ORG", "--run", "a", "--no-rehearsal")
    done("demo", "demo", "--days", "3", "--per-day", "2")
    for words in (ANSWER, PREDICT):
        ANSWERS[words] = {answered(Place(server, states / "answered"), words).out}
    state("begun")
    shutil.copy(states / "answered" / "run.txt", states / "begun")
    state("without features", "answered")
    shutil.rmtree(states / "without features" / "features")
    done = state("other topics", "answered")
    done("build-topics", "--seed", "1")
    done("build-topics", "--seed", "1", "--format", "official")
    for words in (ANSWER, PREDICT):
        ANSWERS[words].add(answered(Place(server, states / "other topics"), words).out)
        assert len(ANSWERS[words]) == 2  # old and new can be told apart
    return states


def environment_data(server: Server) -> str:
    return server.environment["NTCIR_DATA"]


@pytest.fixture
def start(server: Server, states: Path, tmp_path: Path) -> Callable[[Scenario, str], Place]:
    """Make the folder that a scenario starts from."""

    def make(scenario: Scenario, name: str) -> Place:
        shutil.copytree(states / scenario.start, tmp_path / name / "w")
        return Place(server, tmp_path / name / "w")

    return make


def spread(count: int, most: int) -> list[int]:
    """Return numbers below ``count``, all or so many from the first to the last."""
    if ALL or count <= most:
        return list(range(count))
    return sorted({round((number + 0.5) * count / most) for number in range(most - 1)} | {count - 1})


def same(tree: Tree, scenario: Scenario) -> Tree:
    # A claim's file that could not be removed holds nothing once its process has ended.
    kept = (name for name in tree if not re.search(scenario.aside, name) and not name.endswith(".claim"))
    return {name: tree[name] for name in kept}


def finish(place: Place, scenario: Scenario, undisturbed: Tree) -> None:
    """Type the command again and see that it comes to what it would have come to."""
    ended = place.type(*scenario.words, out=scenario.out)
    if ended.code and scenario.again:
        assert is_sentence(ended), ended.err
        ended = place.type(*scenario.words, *scenario.again, out=scenario.out)
    assert ended.code == 0, ended.err
    assert same(place.tree(leftovers=not LEFTOVERS_STAY), scenario) == same(undisturbed, scenario)


@pytest.mark.parametrize("name", SCENARIOS)
def test_ended_or_out_of_room_at_any_change_there_is_the_old_or_the_new(start, name):
    scenario = SCENARIOS[name]
    place = start(scenario, "undisturbed")
    scenario.old["before"] = place.tree()
    whole = place.type(*scenario.words, out=scenario.out)
    assert whole.code == 0, whole.err
    scenario.old["after"] = undisturbed = place.tree(leftovers=True)
    assert not any(_TEMPORARY.search(name) for name in undisturbed)
    for number in spread(len(whole.changes), scenario.kills):
        place = start(scenario, f"killed-{number}")
        ended = place.type(*scenario.words, kill=number, out=scenario.out)
        assert ended.code == KILLED, (ended.code, ended.err)
        scenario.check(place, scenario)
        finish(place, scenario, undisturbed)
    room = sum(change.split()[0] in NEEDS_ROOM for change in whole.changes)
    for number in spread(room, 1):
        place = start(scenario, f"full-{number}")
        ended = place.type(*scenario.words, full=number, out=scenario.out)
        must_be_fine(ended)
        if ended.code:
            assert "space" in ended.err.splitlines()[-1], ended.err
        assert not any(_TEMPORARY.search(name) for name in place.tree(leftovers=True)), ended.changes
        scenario.check(place, scenario)
        finish(place, scenario, undisturbed)
