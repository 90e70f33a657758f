"""Published splits: which part is what, and what is done for want of one."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from helpers import refusal

from ntcir.config import AutoSplit, DateSplit, FractionSplit, OfficialSplit, SessionSplit, load_config
from ntcir.corpora.corpus import ReadingReport
from ntcir.corpora.official_splits import assign_official


def split_of(parts: dict[str, int], split: Any, captions: int = 3) -> tuple[dict[str, str], list[str]]:
    """Return the split of each picture, of which there are so many in each part, and what was noted."""
    pictures = [(part, f"{part}{number}") for part, number_of in parts.items() for number in range(number_of)]
    pairs = [pair for pair in pictures for _ in range(captions)]
    report = ReadingReport()
    names = assign_official([part for part, _ in pairs], [picture for _, picture in pairs], split, report)
    found: dict[str, str] = {}
    for (_, picture), name in zip(pairs, names, strict=True):
        assert found.setdefault(picture, name) == name  # all captions of a picture are in one split
    return found, report.notes


def counts(parts: dict[str, int], split: Any) -> dict[str, int]:
    return dict(Counter(split_of(parts, split)[0].values()))


def official(**named: Any) -> OfficialSplit:
    return OfficialSplit.model_validate(named)


@pytest.mark.parametrize(
    ("parts", "named", "expected"),
    [
        # Flickr8k, Karpathy's MSCOCO.
        ({"train": 6, "dev": 2, "test": 3}, {}, {"train": 6, "val": 2, "test": 3}),
        ({"train": 6, "restval": 4, "val": 2, "test": 3}, {}, {"train": 10, "val": 2, "test": 3}),
        # No test part: COCO's own, and our sample of Flickr8k. No part for validation: NUS-WIDE.
        ({"train": 20, "val": 5}, {}, {"train": 18, "val": 2, "test": 5}),
        ({"train": 20, "test": 5}, {}, {"train": 18, "val": 2, "test": 5}),
        ({"train": 20}, {}, {"train": 18, "val": 2}),
        ({"train": 20, "val": 5}, {"held_out": 0.5}, {"train": 10, "val": 10, "test": 5}),
        # Few pictures: at least one is held out, and at least one is left.
        ({"train": 2, "test": 1}, {}, {"train": 1, "val": 1, "test": 1}),
        ({"train": 1, "test": 1}, {}, {"train": 1, "test": 1}),
        ({"test": 4}, {}, {"test": 4}),
        ({"val": 4}, {}, {"test": 4}),
        # Parts that are named; what is not named keeps its usual parts, and those named are taken as they are.
        ({"train": 6, "restval": 4, "val": 2, "test": 3}, {"train": ["train"]},
         {"train": 6, "": 4, "val": 2, "test": 3}),
        ({"train": 20, "val": 5}, {"val": ["val"]}, {"train": 20, "val": 5}),
        ({"train": 20, "val": 5}, {"test": ["val"]}, {"train": 18, "val": 2, "test": 5}),
        ({"train": 20, "val": 5}, {"val": []}, {"train": 20, "": 5}),
        ({"train": 6, "dev": 2, "test": 3}, {"test": ["dev"], "val": ["test"]}, {"train": 6, "val": 3, "test": 2}),
        ({"train": 6, "odd": 2, "test": 3, "val": 1}, {"train": ["odd"]}, {"": 6, "train": 2, "test": 3, "val": 1}),
        # Pictures in no part.
        ({"train": 6, "": 3, "dev": 2, "test": 3}, {}, {"train": 6, "": 3, "val": 2, "test": 3}),
    ],
)  # fmt: skip
def test_parts_become_splits_by_their_usual_names_or_as_named(parts, named, expected):
    assert counts(parts, official(**named)) == expected
    if not named:
        assert counts(parts, AutoSplit()) == expected


def test_what_is_held_out_depends_on_the_pictures_and_the_seed_alone():
    first, _ = split_of({"train": 50, "test": 5}, official())
    again, _ = split_of({"test": 5, "train": 50}, official())
    other, _ = split_of({"train": 50, "test": 5}, official(seed=1))
    held_out = {picture for picture, name in first.items() if name == "val"}
    assert held_out == {picture for picture, name in again.items() if name == "val"}
    assert held_out != {picture for picture, name in other.items() if name == "val"}
    assert len(held_out) == 5


def test_what_is_moved_is_noted():
    _, notes = split_of({"train": 20, "dev": 5, "": 2, "extra": 1}, official())
    assert notes == [
        "there is no test part: that of validation (dev) is the test split",
        "the part extra is not used, and so 1 picture in no split (first: extra0)",
        "2 pictures are in no part, and so in no split (first: 0)",
        "there is no part left for validation; held out for it: 2 of 20 training pictures (data.split.held_out = 0.1, "
        "seed = 0)",
    ]
    assert split_of({"train": 20, "val": 5, "test": 5}, official())[1] == []


def test_fractions_are_of_whole_pictures_in_the_files_order():
    found, _ = split_of({"a": 10}, FractionSplit(train=0.7, val=0.1, test=0.2))
    assert list(found.values()) == ["train"] * 7 + ["val"] + ["test"] * 2


def test_without_any_part_auto_is_by_fraction_and_says_so():
    found, notes = split_of({"": 20}, AutoSplit())
    assert Counter(found.values()) == {"train": 14, "val": 3, "test": 3}
    assert notes == ["the files say no split: pictures are split by fraction, in the files' order"]
    assert "say no split: choose fraction or auto" in refusal(split_of, {"": 20}, official())


def test_no_split_is_no_split():
    assert set(split_of({"train": 3, "test": 3}, None)[0].values()) == {""}


@pytest.mark.parametrize("split", [DateSplit(), SessionSplit()])
def test_there_are_no_dates_and_no_sessions(split):
    assert f"data.split.by = {split.by} is not valid for captioned pictures" in refusal(split_of, {"train": 3}, split)


def test_an_unknown_part_is_refused_with_those_that_there_are():
    sentence = refusal(split_of, {"train": 3, "restval": 2, "test": 1}, official(train=["train", "restvall"]))
    assert sentence == (
        "data.split names the part 'restvall', which is not in the data (did you mean 'restval'?): "
        "it has train, restval, test."
    )


def test_a_part_is_in_one_split_only(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("data: {split: {by: official, train: [train, val], test: [val]}}")
    assert "a part may be in one split only" in refusal(load_config, config)


def test_an_empty_collection_has_no_splits():
    for split in (None, AutoSplit(), official(), FractionSplit.model_validate({})):
        assert len(assign_official([], [], split, ReadingReport())) == 0
