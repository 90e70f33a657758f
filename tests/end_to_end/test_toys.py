"""A toy modality and a toy objective, each a file of under 40 lines, go the way that photographs and readings go."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import ROOT, command_line, fit, fit_in_two_parts, one_thread, toy_config, toy_trainer  # noqa: F401
from processes import kept
from safetensors.torch import load_file
from talking import keep
from toy_corpus import PICTURELESS, is_captions, read_captions, write_captions, write_categories
from toy_modality import CAPTION

import ntcir.corpora
import ntcir.modalities
import ntcir.training.trainer
from ntcir.config.registry import OBJECTIVES
from ntcir.encoders import KINDS
from ntcir.formats.topics import read_topics
from ntcir.model.folder import WEIGHTS
from ntcir.system.parallel import together
from ntcir.training.checkpoint import LAST

pytestmark = pytest.mark.usefixtures("one_thread", "toys")
SEVERAL = 2  # captions of a photograph
# Where there are photographs and where there are none: the pair, and how many answers what asks has.
PAIRS: dict[str, tuple[list[str], dict[str, int]]] = {
    "pictures": (["image", "caption"], {"img2cap": SEVERAL, "cap2img": 1}),
    "no-pictures": (["caption", "sensor"], {"sen2cap": SEVERAL, "cap2sen": 1}),
}
BOTH = "[{kind: info_nce}, {kind: sigmoid, weight: 0.5}]"


def add_objectives() -> None:
    OBJECTIVES.update(sigmoid="toy_objective:Sigmoid", of_categories="toy_objective:OfCategories")


@pytest.fixture(scope="module")
def toys() -> Iterator[None]:
    """Add what is new: a line in each registry."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ntcir.modalities, "_MODALITIES", dict(ntcir.modalities._MODALITIES))
        for registry in (KINDS, OBJECTIVES):
            patch.setitem(registry, "letters", registry.get("letters"))  # so that all is as it was afterwards
            patch.delitem(registry, "letters")
        ntcir.modalities.register(CAPTION)
        KINDS["letters"] = ("toy_modality:Letters", "toy_modality:LetterRows")
        add_objectives()
        patch.setattr(ntcir.corpora, "LAYOUTS", [(is_captions, read_captions), *ntcir.corpora.LAYOUTS])
        yield


def succeeds(*arguments: str) -> str:
    done = command_line(*arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.stdout


def fails(*arguments: str) -> str:
    """Return the one sentence with which a command is refused."""
    done = command_line(*arguments)
    assert (done.exit_code, done.stdout) == (2, ""), f"{done.output}\n{done.exception!r}"
    return done.stderr.splitlines()[-1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, toys: None, one_thread: None) -> Path:  # noqa: F811
    """A folder for each kind of pair with a corpus, topics, a model by both objectives, and a run."""
    root = tmp_path_factory.mktemp("toys")
    for kind, (pair, _) in PAIRS.items():
        write_captions(root / kind / "data", several=SEVERAL)
        if kind == "no-pictures":
            (root / kind / "data" / PICTURELESS).touch()
        options = ["--data", "data", "--set", f"pair=[{', '.join(pair)}]"]
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(root / kind)
            succeeds("build-topics", *options, "--pool", "10", "--topics-per-day", "3")
            succeeds("train", *options, "--set", f"objectives={BOTH}", "--iters", "60", "--out", "runs/toy")
            Path("run.txt").write_text(succeeds("run", "topics.tsv"), encoding="utf-8")
    return root


@pytest.fixture(params=PAIRS)
def kind(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(folder / request.param)
    return request.param


@pytest.mark.parametrize("name", ["toy_modality.py", "toy_objective.py"])
def test_a_toy_is_a_file_of_under_40_lines(name):
    assert len((Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()) < 40


def test_topics_say_their_direction_and_have_all_partners_as_answers(kind):
    pair, ways = PAIRS[kind]
    topics = {topic.topic_id: topic.direction.name for topic in read_topics("topics/topics.tsv", pair)}
    assert Counter(topics.values()) == dict.fromkeys(ways, 3)
    assert Path("topics/topics.tsv").read_text(encoding="utf-8").startswith("topic_id\ttimestamp\tquery\tdirection\n")
    judged = Counter(line.split()[0] for line in Path("topics/qrels.txt").read_text(encoding="utf-8").splitlines())
    assert judged == {topic: ways[way] for topic, way in topics.items()}
    pools = [line.split("\t") for line in Path("topics/pools.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    assert set(Counter(topic for topic, _ in pools).values()) == {10}
    assert len({tuple(each) for each in pools}) == len(pools)


def test_a_run_is_scored_in_both_directions(kind):
    scores, by_rows = (json.loads(succeeds("score", "--json", *more)) for more in ([], ["--mrr", "official"]))
    assert list(scores) == ["all", *PAIRS[kind][1]]
    for name, answers in PAIRS[kind][1].items():
        best = sum(1 / rank for rank in range(1, answers + 1)) / answers  # of the mean over relevant rows
        assert by_rows[name]["random_MRR"] < by_rows[name]["MRR"] <= best
        assert scores[name]["random_MRR"] < scores[name]["MRR"] <= 1  # by the best-ranked one, as this pair's is
        assert scores[name]["MRR"] >= by_rows[name]["MRR"]
        assert scores[name]["R@5"] > 0.6


def test_a_split_is_evaluated_in_both_directions(kind):
    ways = PAIRS[kind][1]
    pooled, whole = (json.loads(succeeds("evaluate", "--json", *more)) for more in ([], ["--pool", "none"]))
    scored = json.loads(succeeds("score", "--json"))
    for found in (pooled, whole):
        assert list(found) == list(scored)
        assert [list(group) for group in found.values()] == [list(group) for group in scored.values()]
        assert all(group["MRR"] > group["random_MRR"] + 0.1 for group in found.values())
    # 14 pairs of the test session; among all of them each item asks once, and some have several answers.
    assert [pooled[name]["topics"] for name in ways] == [14, 14]
    assert [whole[name]["topics"] for name in ways] == [14 * SEVERAL if n == 1 else 14 for n in ways.values()]
    assert f"{whole['all']['MRR']:.4f}" in succeeds("evaluate", "--pool", "none")


def test_a_topic_is_drawn(kind):
    pair, ways = PAIRS[kind]
    topics = {topic.direction.name: topic.topic_id for topic in read_topics("topics/topics.tsv", pair)}
    for way in ways:
        succeeds("show", topics[way], "--out", f"{way}.png")
        assert Path(f"{way}.png").read_bytes().startswith(b"\x89PNG")
    if kind == "pictures":
        assert "nothing of the modality 'image'" in fails("show", topics[way], "--data", "../no-pictures/data")


def test_captions_of_one_photograph_are_positives_of_it(folder, monkeypatch):
    import toy_objective

    monkeypatch.chdir(folder / "pictures")
    seen = []
    whole = toy_objective.Sigmoid.__call__
    monkeypatch.setattr(
        toy_objective.Sigmoid, "__call__", lambda self, batch, learnt: seen.append(batch) or whole(self, batch, learnt)
    )
    options = ["--set", "pair=[image, caption]", "--set", "objectives=[{kind: sigmoid}]", "--set", "training.batch=56"]
    succeeds("train", "--data", "data", *options, "--iters", "1", "--out", "runs/seen")
    positives = seen[0].positives
    assert positives.sum(dim=0).tolist() == [SEVERAL] * 56  # in a batch of all pairs, a photograph comes twice
    left, right = seen[0].instances
    assert torch.equal(positives, left[:, None] == right[None, :])


def test_what_an_objective_learns_is_saved(kind):
    weights = load_file(Path("runs/toy") / WEIGHTS)
    learnt = {name for name in weights if name.startswith("learnt.")}
    assert learnt == {"learnt.0.log_temperature", "learnt.1.scale", "learnt.1.bias"}
    assert weights["learnt.1.scale"] != 10
    assert weights["learnt.1.bias"] != -5


def test_topics_of_another_pair_are_refused(folder, monkeypatch):
    monkeypatch.chdir(folder / "no-pictures")
    sentence = fails("run", "../pictures/topics/topics.tsv")
    assert "line 2: the direction is img2cap, but the model answers cap2sen and sen2cap" in sentence
    monkeypatch.chdir(folder / "pictures")
    Path("sensors.tsv").write_text('topic_id\ttimestamp\tquery\nx\t\t{"warm": 3}\n', encoding="utf-8")
    assert "neither a photograph nor a caption" in fails("run", "sensors.tsv", "--pools", "none")
    Path("wrong.tsv").write_text("topic_id\ttimestamp\tquery\tdirection\nx\t\taa ee\timg2sen\n", encoding="utf-8")
    assert "the direction is img2sen, but the model answers img2cap and cap2img" in fails("run", "wrong.tsv")


def test_without_a_direction_a_query_that_may_be_of_either_asks_for_one(folder, monkeypatch):
    monkeypatch.chdir(folder / "pictures")
    Path("either.tsv").write_text("topic_id\ttimestamp\tquery\nx\t\taa ee\n", encoding="utf-8")
    sentence = fails("run", "either.tsv", "--pools", "none")
    assert "may be a photograph or a caption: add a column direction with img2cap or cap2img" in sentence
    Path("told.tsv").write_text("topic_id\ttimestamp\tquery\tdirection\nx\t\taa ee\tcap2img\n", encoding="utf-8")
    assert {line.split()[2][:2] for line in succeeds("run", "told.tsv", "--pools", "none").splitlines()} == {"s4"}


COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "train": lambda pair: ["train", "--data", "data", "--set", pair, "--out", "runs/no"],
    "build-topics": lambda pair: ["build-topics", "--data", "data", "--set", pair, "--out", "no"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_pair_that_the_corpus_has_no_pairs_for_is_refused(folder, monkeypatch, command):
    monkeypatch.chdir(folder / "no-pictures")
    for pair in ("[image, sensor]", "[image, caption]"):
        sentence = fails(*COMMANDS[command](f"pair={pair}"))
        assert "it has nothing of the modality 'image', only of sensor and caption" in sentence
    assert not Path("runs/no").exists()
    assert not list(Path().glob("no/*.tsv"))


@pytest.mark.parametrize("command", [["run", "topics/topics.tsv"], ["evaluate"]])
def test_a_model_of_a_pair_that_the_corpus_lacks_is_refused(folder, monkeypatch, command):
    monkeypatch.chdir(folder / "pictures")
    more = [] if command == ["evaluate"] else ["--pools", "none"]
    sentence = fails(*command, *more, "--data", "../no-pictures/data")
    assert "has no pairs of image and caption: it has nothing of the modality 'image'" in sentence


def test_what_is_of_photographs_and_readings_only_refuses_other_pairs(folder, monkeypatch):
    monkeypatch.chdir(folder / "pictures")
    options = ["--data", "data", "--set", "pair=[image, caption]", "--pool", "10", "--out", "theirs"]
    assert "not for image and caption: use --format trec" in fails("build-topics", *options, "--format", "official")
    assert "this model is between image and caption" in fails("bundle", "runs/toy", "--group", "A", "--run", "b")
    Path("input.json").write_text("[]", encoding="utf-8")
    assert "this model is between image and caption" in fails("predict", "input.json", "scores.csv")


def test_objectives_are_compared_on_a_toy_modality(kind):
    pair, ways = PAIRS[kind]
    network = {"arch": "squeezenet1_1", "weights": "random", "grid": 2}
    grid = {
        "base": {
            "pair": pair, "towers": {"dim": 16}, "training": {"batch": 16, "near_seconds": 0},
            "features": {"backbones": [network], "size": 64, "crop": 64},
        },
        "iterations": [4], "topics": {"pool": 10},
        "methods": {"info_nce": {}, "both": {"objectives": [{"kind": "info_nce"}, {"kind": "sigmoid"}]}},
    }  # fmt: skip
    Path("grid.yaml").write_text(json.dumps(grid), encoding="utf-8")
    succeeds("ablate", "grid.yaml", "--data", "data", "--out", "grid")
    table = Path("grid/table.md").read_text(encoding="utf-8")
    assert all(way in table for way in ways)
    assert len(Path("grid/results.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_an_objective_that_needs_categories_is_refused_without_and_trains_with_them(folder, monkeypatch):
    monkeypatch.chdir(folder / "no-pictures")
    objective = "objectives=[{kind: of_categories}]"
    train = ["train", "--data", "data", "--set", "pair=[caption, sensor]", "--set", objective]
    sentence = fails(*train, "--out", "runs/without")
    assert "The objective of_categories needs categories, and" in sentence
    assert "has none, nor could objects be detected in captions or readings" in sentence
    monkeypatch.chdir(folder / "pictures")
    train = ["train", "--data", "data", "--set", "pair=[image, caption]", "--set", objective]
    write_categories(Path("data"))
    try:
        succeeds(*train, "--iters", "3", "--out", "runs/with")
    finally:
        Path("data/shown.csv").unlink()


# ------------------------------------------------------------------------------------------- on toys in memory

LEARNT: dict[str, Any] = {"objectives": [{"kind": "sigmoid"}, {"kind": "info_nce", "learn_temperature": True}]}


def test_what_an_objective_learns_is_as_it_would_have_been_after_an_interruption(tmp_path):
    config = toy_config(training__iters=25, **LEARNT)
    fit(config, tmp_path / "whole")
    fit_in_two_parts(config, tmp_path / "resumed", stop=17, every=10)
    for name in (WEIGHTS, LAST):
        whole, resumed = (load_file(tmp_path / place / name) for place in ("whole", "resumed"))
        assert whole.keys() == resumed.keys()
        assert all(torch.equal(whole[key], value) for key, value in resumed.items())


def learnt_after_steps(folder: Path) -> dict[str, torch.Tensor]:
    one = toy_trainer(toy_config(training__batch=16, **LEARNT), folder)
    for step in range(5):
        one._step(step)
    return dict(one.model.state())


def learn_together(folder: Path) -> None:
    """Train, as one of several processes."""
    torch.set_num_threads(1)
    add_objectives()
    with together():
        found = learnt_after_steps(folder)
    keep(folder, found)


def test_the_gradient_of_what_an_objective_learns_is_not_counted_once_a_process(tmp_path):
    alone = learnt_after_steps(tmp_path)
    assert alone["learnt.0.scale"] != 10
    for found in kept(2, learn_together, tmp_path / "two"):
        for name, value in alone.items():
            assert torch.allclose(found[name], value, rtol=0, atol=1e-5), name
