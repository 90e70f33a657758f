"""Altered photographs: the same for the same item and view wherever they are drawn, and different for any other."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import random
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from helpers import refusal
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.utils.data import DataLoader, Dataset

from ntcir.config import Augment
from ntcir.sampling.augment import Augmenter

quick = settings(deadline=None, max_examples=40)
ITEMS = [f"2020010{day}_{hour:02}3000_000.jpg" for day in range(1, 3) for hour in range(8, 13)]


def picture(*, height: int = 40, width: int = 56, seed: int = 0) -> np.ndarray:
    """Coloured blocks, uint8 [3, height, width]."""
    blocks = np.random.default_rng(seed).integers(0, 256, (3, 5, 7), dtype=np.uint8)
    return blocks.repeat(-(-height // 5), axis=1).repeat(-(-width // 7), axis=2)[:, :height, :width].copy()


def augmenter(*transforms: dict[str, Any], seed: int = 0, side: int = 64) -> Augmenter:
    return Augmenter(Augment(transforms=list(transforms), seed=seed) if transforms else Augment(seed=seed), side)


def drawn(alter: Augmenter, work: list[tuple[str, int]]) -> list[np.ndarray]:
    return [alter(picture(), item, view) for item, view in work]


def the_same(found: list[np.ndarray], expected: list[np.ndarray]) -> None:
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def all_differ(pictures: list[np.ndarray]) -> bool:
    return len({one.tobytes() for one in pictures}) == len(pictures)


class Photographs(Dataset[tuple[int, np.ndarray]]):
    """What a data loader's workers are given; the epoch is the number of the view."""

    def __init__(self, alter: Augmenter) -> None:
        self.alter, self.epoch = alter, 0

    def __len__(self) -> int:
        return len(ITEMS)

    def __getitem__(self, number: int) -> tuple[int, np.ndarray]:
        return number, self.alter(picture(), ITEMS[number], self.epoch)


def test_a_view_depends_on_seed_item_and_number_alone():
    work = [(item, view) for item in ITEMS for view in range(4)]
    expected = drawn(augmenter(), work)
    assert all_differ(expected)
    order = np.random.default_rng(0).permutation(len(work)).tolist()
    the_same(drawn(augmenter(), [work[place] for place in order]), [expected[place] for place in order])
    others = drawn(augmenter(seed=1), work)
    assert all_differ([*expected, *others])
    for one in expected:
        assert one.dtype == np.uint8
        assert one.shape == (3, 40, 56)
        assert one.flags.c_contiguous


def test_threads_draw_what_one_draws():
    alter, work = augmenter(), [(item, view) for item in ITEMS for view in range(20)]
    expected = drawn(alter, work)
    with ThreadPoolExecutor(8) as pool:
        the_same(list(pool.map(lambda one: alter(picture(), *one), work)), expected)


def test_spawned_processes_draw_what_one_draws():
    work = [(item, view) for item in ITEMS for view in range(2)]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        the_same(pool.submit(drawn, augmenter(), work).result(), drawn(augmenter(), work))


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_of_a_data_loader_draw_other_views_in_each_epoch(workers):
    photographs = Photographs(augmenter())
    photographs[0]  # a pipeline that has drawn already, of which every worker inherits a copy
    seen: dict[tuple[int, int], np.ndarray] = {}
    for epoch in range(2):
        photographs.epoch = epoch
        loader = DataLoader(photographs, batch_size=2, shuffle=True, num_workers=workers)
        for numbers, pictures in loader:
            seen |= {(epoch, number): one.numpy() for number, one in zip(numbers.tolist(), pictures, strict=True)}
    assert len(seen) == 2 * len(ITEMS)
    assert all_differ(list(seen.values()))
    the_same(list(seen.values()), drawn(augmenter(), [(ITEMS[number], epoch) for epoch, number in seen]))


def test_pickled_it_is_the_same():
    alter = augmenter({"name": "RandomCrop", "height": 20, "width": 30, "p": 1}, seed=3)
    other = pickle.loads(pickle.dumps(alter))
    assert other.meta == alter.meta
    the_same(drawn(other, [("a", 0), ("b", 1)]), drawn(alter, [("a", 0), ("b", 1)]))


def test_the_random_state_of_the_process_is_neither_used_nor_changed():
    alter, work = augmenter(), [(item, 0) for item in ITEMS]
    expected = drawn(alter, work)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    the_same(drawn(augmenter(), work), expected)
    after = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    assert before[0] == after[0]
    np.testing.assert_equal(before[1], after[1])
    assert torch.equal(before[2], after[2])


def test_transforms_draw_independently_of_each_other():
    alter = augmenter({"name": "InvertImg", "p": 0.5}, {"name": "VerticalFlip", "p": 0.5})
    plain = picture()
    outcomes = {
        "neither": plain, "inverted": 255 - plain, "flipped": plain[:, ::-1], "both": 255 - plain[:, ::-1]
    }  # fmt: skip
    counts = dict.fromkeys(outcomes, 0)
    for view in range(200):
        found = alter(plain, "item", view)
        counts[next(name for name, expected in outcomes.items() if np.array_equal(found, expected))] += 1
    assert all(25 < count < 80 for count in counts.values()), counts


def test_what_it_is_given_stays_as_it_was():
    plain = picture()
    drawn_twice = [augmenter()(plain, "a", 0), augmenter()(plain, "a", 0)]
    np.testing.assert_array_equal(plain, picture())
    np.testing.assert_array_equal(*drawn_twice)


@quick
@given(st.integers(16, 90), st.integers(16, 90), st.integers(0, 5), st.booleans())
def test_the_defaults_take_any_size_and_grey(height, width, view, grey):
    plain = picture(height=height, width=width)
    if grey:
        plain[:] = plain[:1]
    found = augmenter()(plain, "item", view)
    assert found.shape == plain.shape
    assert found.dtype == np.uint8
    assert not np.array_equal(found, plain)


def test_the_defaults_leave_no_margins_and_do_not_mirror():
    alter, flat, sides = augmenter(), np.full((3, 64, 64), 128, np.uint8), np.zeros((3, 64, 64), np.uint8)
    sides[:, :, 32:] = 200
    sides[:, 32:] += 40
    for view in range(150):
        assert alter(flat, "flat", view).min() > 60
        found = alter(sides, "sides", view).astype(float)
        assert found[:, :, :20].mean() < found[:, :, -20:].mean() - 40
        assert found[:, :20].mean() < found[:, -20:].mean()


def test_a_size_left_out_is_the_pictures_own_and_another_is_resized_back():
    crop = {"name": "RandomResizedCrop", "scale": [1.0, 1.0], "ratio": [1.0, 1.0], "p": 1.0}
    plain = picture(height=48, width=48)
    np.testing.assert_array_equal(augmenter(crop)(plain, "a", 0), plain)
    doubled = augmenter(crop | {"size": [96, 96]})(plain, "a", 0)
    assert doubled.shape == plain.shape
    assert np.abs(doubled.astype(int) - plain).mean() < 10


def test_what_determines_the_views_is_told_and_nothing_else():
    alter = augmenter({"name": "Rotate", "limit": 3}, seed=4)
    assert json.loads(json.dumps(alter.meta)) == alter.meta
    assert alter.meta["transforms"] == [{"name": "Rotate", "limit": 3}]
    assert alter.meta["seed"] == 4
    assert alter.meta["albumentations"].count(".") == 1
    more = Augmenter(Augment(transforms=[{"name": "Rotate", "limit": 3}], seed=4, views=7, share=0.5), 32)
    assert more.meta == alter.meta


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "Rotat"}, r"^augment\.transforms\.0: albumentations has no transform 'Rotat' \(did you mean 'Rotate'\?"),
    ({"name": "Compose"}, r"albumentations' Compose does not transform a single image"),
    ({"name": "__version__"}, r"does not transform a single image"),
    ({"name": "ToTensorV2"}, r"does not transform a single image"),
    ({"name": "Lambda", "image": "x"}, r"does not transform a single image"),
    ({"name": "CenterCrop3D", "size": [1, 1, 1]}, r"does not transform .* \(did you mean 'CenterCrop'\?\)"),
    ({"name": "Rotate", "limits": 3}, r"\(Rotate\) has no argument 'limits' \(did you mean 'limit'\?\)\.$"),
    ({"name": "MedianBlur", "foo": 3}, r"\(MedianBlur\) has no argument 'foo'; it has blur_limit, p\.$"),
    ({"name": "Rotate", "limit": "abc"}, r"\(Rotate\): limit = 'abc' is not valid: input should be a valid tuple, or"),
    ({"name": "Rotate", "p": 3}, r"p = 3 is not valid: input should be less than or equal to 1\.$"),
    ({"name": "RandomRotate90", "p": "x"}, r"p = 'x' is not valid: input should be a valid number"),
    ({"name": "GaussNoise", "std_range": [0.3, 0.1]}, r"std_range = \[0\.3, 0\.1\] is not valid"),
    ({"name": "Crop", "x_min": 5, "x_max": 3}, r"\(Crop\): x_max must be greater than x_min\.$"),
    ({"name": "RandomCrop", "height": 3}, r"\(RandomCrop\): the argument 'width' is missing\.$"),
    ({"name": "RandomCrop", "height": 90, "width": 9}, r"cannot be applied to an image of 64 x 64 pixels: Crop size"),
    ({"name": "MaskDropout"}, r"\(MaskDropout\) needs more than an image \(mask\)\.$"),
    ({"name": "FDA"}, r"\(FDA\) needs more than an image \(fda_metadata\)\.$"),
    ({"name": "BBoxSafeRandomCrop"}, r"pixels: it needs 'bboxes' as well\.$"),
    ({"name": "ConstrainedCoarseDropout"}, r"Neither valid mask nor bboxes provided"),
    ({"name": "Normalize"}, r"turns an image into float32 \[64, 64, 3\]; it must stay uint8"),
    ({"name": "ToGray", "num_output_channels": 1}, r"turns an image into uint8 \[64, 64\]"),
]


@pytest.mark.parametrize(("transform", "sentence"), WRONG, ids=[f"{one['name']}-{words}" for one, words in WRONG])
def test_a_wrong_transform_is_one_sentence(transform, sentence, recwarn):
    words = refusal(augmenter, transform)
    assert re.search(sentence, words), words
    assert not recwarn.list


def test_the_sentence_says_which_transform_it_is():
    assert refusal(augmenter, {"name": "Rotate"}, {"name": "Blurr"}).startswith("augment.transforms.1: albumentations")


def test_a_picture_too_small_for_a_transform_is_one_sentence():
    alter = augmenter({"name": "RandomCrop", "height": 60, "width": 60, "p": 1})
    sentence = refusal(alter, picture(), "item", 0)
    assert sentence.startswith("augment.transforms.0 (RandomCrop) cannot be applied to an image of 56 x 40 pixels")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1, float("nan")], {"a": object()}])
def test_arguments_are_plain_values(value):
    with pytest.raises(ValidationError, match=r"of transform 0 \(Rotate\) is not a plain value"):
        Augment(transforms=[{"name": "Rotate", "limit": value}])
