"""Pictures as JSON, against Python's own reader and writer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import ntcir.submission.pixels
from ntcir.submission.pixels import parse_pixels, pixel_text

pictures = st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 9)).flatmap(
    lambda size: arrays(np.uint8, size, elements=st.one_of(st.integers(0, 255), st.sampled_from([0, 9, 10, 99, 100])))
)


def spelled(tree: object) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode()


def as_json(text: bytes) -> np.ndarray:
    """Return what JSON takes a text for; rows alone are one channel."""
    picture = np.array(json.loads(text))
    return picture[None] if picture.ndim == 2 else picture


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, height, width), dtype=np.uint8)


@given(pictures)
def test_a_picture_is_written_as_json_writes_it_and_read_back(picture: np.ndarray) -> None:
    text = pixel_text(picture)
    assert text == spelled(picture.tolist())
    np.testing.assert_array_equal(parse_pixels(text), picture)


@given(pictures, st.sampled_from([(", ", ": "), (" , ", ":"), (",\n ", ":"), (",\t\r\n", ":")]))
def test_blanks_change_nothing(picture: np.ndarray, separators: tuple[str, str]) -> None:
    np.testing.assert_array_equal(parse_pixels(json.dumps(picture.tolist(), separators=separators).encode()), picture)
    np.testing.assert_array_equal(parse_pixels(json.dumps(picture.tolist(), indent=1).encode()), picture)


@given(pictures)
def test_whole_numbers_may_be_written_as_floats(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(parse_pixels(spelled(picture.astype(float).tolist())), picture)


@given(pictures)
def test_rows_without_channels_are_one_channel(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(parse_pixels(spelled(picture[0].tolist())), picture[:1])


@pytest.mark.parametrize("picture", [np.array([[[0, 256, 65535]]], dtype=np.uint16), np.zeros((2, 3, 1, 4), np.uint8)])
def test_what_is_not_three_levels_of_bytes_is_written_as_json_writes_it(picture: np.ndarray) -> None:
    assert json.loads(pixel_text(picture)) == picture.tolist()


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 17])
def test_the_size_of_a_block_does_not_matter(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(ntcir.submission.pixels, "_BLOCK", block)
    picture = noise(20, 31)
    np.testing.assert_array_equal(parse_pixels(pixel_text(picture)), picture)


def test_a_large_picture_in_any_memory_layout() -> None:
    picture = noise(768, 1024)
    text = pixel_text(np.asfortranarray(picture))
    assert json.loads(text) == picture.tolist()
    np.testing.assert_array_equal(parse_pixels(text), picture)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"[[[256]],[[0]],[[0]]]", "255"),
        (b"[[[299]],[[0]],[[0]]]", "255"),
        (b"[[[300]],[[0]],[[0]]]", "255"),
        (b"[[[999]],[[0]],[[0]]]", "255"),
        (b"[[[1000]],[[0]],[[0]]]", "three digits"),
        (b"[[[10255]],[[0]],[[0]]]", "three digits"),
        (b"[[[007]],[[0]],[[0]]]", "a leading 0"),
        (b"[[[-1]],[[0]],[[0]]]", "-1"),
        (b"[[[0.5]],[[0]],[[0]]]", "0.5"),
        (b"[[[1e2]],[[0]],[[0]]]", "1e2"),
        (b"[[[null]],[[0]],[[0]]]", "null"),
        (b"[[[NaN]],[[0]],[[0]]]", "NaN"),
        (b'[[["7"]],[[0]],[[0]]]', '"7"'),
        (b"[[[65535]],[[0]],[[0]]]", "16 bits"),
        (b"[[[0.5]],[[0]],[[0]]]", "divided by 255"),
        (b"[[[1.0,0.0,4e-05]]]", "divided by 255"),
        (b"[[[1,2]],[[1,2]],[[1,2]],[[1,2]],[[1,2,3]]]", "5 channels"),
        (b"[[[1]],[[1]],[[1]],[[1]],[[1]]]", "height x width x channels"),
        (b"[[[1,2,3]],[[1,2,3]],[[1,2,3]],[[1,2,3]],[[1,2,3]]]", "height x width x channels"),
        (b"[[1,2],[3,4],[5]]", "differ in length"),
        (b"[[1,2],[3,4],5]", "differ in length"),
        (b"[[1,2],[]]", "differ in length"),
        (b"[[1,2],[[3],[4]]]", "differ in length"),
        (b"[[1,2][3,4]]", "commas"),
        (b"[[],[]]", "no pixel"),
        (b"[[[[1]]],[[[1]]],[[[1]]]]", "nested"),
        (b"[1,2,3]", "channels"),
        (b"[]", "no pixel"),
        (b"[[],[],[]]", "no pixel"),
        (b"[[[]],[[]],[[]]]", "no pixel"),
        (b"[[[1,2],[3]],[[1,2],[3,4]],[[1,2],[3,4]]]", "differ in length"),
        (b"[[[1,2],[3,4]],[[1,2]],[[1,2],[3,4]]]", "in height"),
        (b"[[[1,2,3],[4]],[[1,2],[3,4]],[[1,2],[3,4]]]", "differ in length"),
        (b"[[[1,2],3,[4]],[[1,2],[3,4]],[[1,2],[3,4]]]", "differ in length"),
        (b"[[[1,,2]],[[1,2]],[[1,2]]]", "commas"),
        (b"[[[1,2,]],[[1,2]],[[1,2]]]", "commas"),
        (b"[[[,1,2]],[[1,2]],[[1,2]]]", "commas"),
        (b"[[[1,2]][[1,2]],[[1,2]]]", "commas"),
        (b"[[[1,,2]][[1,2]],[[1,2]]]", "commas"),
        (b"[[[1,2]],[[1,2]],,[[1,2]]]", "commas"),
        (b"[[[1,2]],[[1,2]],[[1,2]],]", "commas"),
        (b"[,[[1,2]],[[1,2]],[[1,2]]]", "commas"),
        (b"[[[1 2]],[[1,2]],[[1,2]]]", "commas"),
        (b"[[[1,2]],[[1,2]],[[1,2]]", "nested"),
        (b"[[[1,2]],[[1,2]],[[1,2]]]]", "nested"),
        (b"[[[1,2]],[[1,2]],[[1,2]]][", "nested"),
        (b"]]]1[[[", "nested"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_with_the_reason(text: bytes, named: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (what it says is looked at below)
        parse_pixels(text)
    assert named in str(caught.value)


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 30))
def test_a_damaged_text_is_refused_or_means_what_json_takes_it_for(damage: bytes, at: int, cut: int) -> None:
    text = pixel_text(noise(3, 4))
    damaged = text[:at] + damage + text[at + cut :]
    try:
        found = parse_pixels(damaged)
    except ValueError:
        return
    np.testing.assert_array_equal(found, as_json(damaged))


@given(st.lists(st.sampled_from([b"[", b"]", b",", b"1", b"25", b"255", b" "]), max_size=40))
def test_no_heap_of_brackets_and_commas_is_taken_for_a_picture_that_it_is_not(parts: list[bytes]) -> None:
    text = b"".join(parts)
    try:
        found = parse_pixels(text)
    except ValueError:
        return
    np.testing.assert_array_equal(found, as_json(text))
