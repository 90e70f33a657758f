"""The organisers' input read record by record, whole and broken."""

from __future__ import annotations

import gzip
import io
import json
import tracemalloc
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ntcir.submission.stream
from ntcir.submission.pixels import parse_pixels, pixel_text
from ntcir.submission.stream import Record, open_input, read_records
from ntcir.submission.write import record_text
from ntcir.system.errors import UserError

NAME = "input.json"


def picture(seed: int, height: int = 3, width: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, height, width), dtype=np.uint8)


def fields(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a record as a tree; a change to None drops the key."""
    tree = {
        "topic_id": "img2sen_001", "dmr_minute_id": f"{number:05d}", "input_modal": "image", "output_modal": "sensor",
        "image": picture(number).tolist(), "heart_rate(bpm)": 61.5, "city": 'Dún "Laoghaire" [} \\', "stop": True,
    }  # fmt: skip
    return {key: value for key, value in (tree | changes).items() if value is not ...}


def read(text: bytes | IO[bytes]) -> list[Record]:
    return list(read_records(io.BytesIO(text) if isinstance(text, bytes) else text, NAME))


def refused(text: bytes) -> str:
    with pytest.raises(UserError) as caught:
        read(text)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith(NAME)
    return sentence


class Dribble(io.BytesIO):
    """A file that gives a few bytes at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 7, 7))


spellings = st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 2}, {"ensure_ascii": False}])


@given(st.lists(st.permutations(sorted(fields())), min_size=1, max_size=4), spellings, st.booleans())
def test_records_are_what_json_says_in_any_spelling_and_order_of_keys(
    orders: list[list[str]], spelling: dict[str, Any], slowly: bool
) -> None:
    trees = [{key: fields(number)[key] for key in order} for number, order in enumerate(orders, 1)]
    text = json.dumps(trees, **spelling).encode()
    found = read(Dribble(text) if slowly else text)
    assert len(found) == len(trees)
    for record, tree in zip(found, trees, strict=True):
        assert (record.topic_id, record.dmr_minute_id, record.direction) == (
            "img2sen_001", tree["dmr_minute_id"], "img2sen"
        )  # fmt: skip
        np.testing.assert_array_equal(parse_pixels(record.image), np.array(tree["image"]))
        assert record.readings == {key: tree[key] for key in ("heart_rate(bpm)", "city", "stop")}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), values, max_size=5), st.booleans())
def test_whatever_else_a_record_holds_does_no_harm(others: dict[str, Any], nested: bool) -> None:
    others = {key: value for key, value in others.items() if key not in fields()}
    if nested:
        others["inner"] = {"image": [[1, "}"]], "topic_id": "no"}
    tree = others | fields()
    [record] = read(json.dumps([tree]).encode())
    assert record.topic_id == "img2sen_001"
    assert json.dumps(record.readings) == json.dumps({key: tree[key] for key in tree if key in record.readings})
    np.testing.assert_array_equal(parse_pixels(record.image), picture(1))


@pytest.mark.parametrize(("written", "back"), [("00001", "00001"), (1, "1"), ("a b,c", "a b,c"), (536.0, "536.0")])
def test_the_id_goes_back_as_it_came(written: object, back: str) -> None:
    assert read(json.dumps([fields(dmr_minute_id=written)]).encode())[0].dmr_minute_id == back


def test_a_written_record_is_read_back() -> None:
    readings = {"pulse": 61.5, "city": "Dublin", "gone": None, "nan": float("nan"), "steps": np.int64(3)}
    text = record_text("q", "00007", "sen2img", pixel_text(picture(3)), readings)
    [record] = read(b"[" + text + b"]")
    assert record.direction == "sen2img"
    assert record.readings == {"pulse": 61.5, "city": "Dublin", "gone": None, "nan": None, "steps": 3}
    np.testing.assert_array_equal(parse_pixels(record.image), picture(3))


def test_a_byte_order_mark_and_blanks_around_are_nothing() -> None:
    text = (
        b"\xef\xbb\xbf \n[ " + json.dumps(fields()).encode() + b" \r\n, " + json.dumps(fields(2)).encode() + b" ]\n\n"
    )
    assert [record.dmr_minute_id for record in read(text)] == ["00001", "00002"]


def test_memory_does_not_grow_with_the_file() -> None:
    one = b"," + record_text("q", "1", "sen2img", pixel_text(picture(0, 64, 200)), {"pulse": 1.0})

    def peak(records: int) -> int:
        file = io.BytesIO(b"[" + (one * records)[1:] + b"]")
        tracemalloc.start()
        for _ in read_records(file, NAME):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few, many = peak(30), peak(300)
    assert many < 1.1 * few


def test_gzip_is_recognised_by_its_bytes(tmp_path: Path) -> None:
    text = json.dumps([fields()]).encode()
    for name, content in (
        ("a.json", text),
        ("a.json.gz", gzip.compress(text)),
        ("plain.gz", text),
        ("a", gzip.compress(text)),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with open_input(str(path)) as (file, _):
            assert len(list(read_records(file, name))) == 1


@pytest.mark.parametrize("cut", [1, 10, 60, 100, -8])
def test_a_gzip_file_that_is_cut_short_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(json.dumps([fields(number) for number in range(50)]).encode())[: 100 + cut])
    with open_input(str(path)) as (file, _), pytest.raises(UserError, match="gzip"):
        list(read_records(file, "a.json.gz"))


def test_a_file_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UserError, match=path.name), open_input(str(path)):
            pass


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{}", "not a JSON array"),
        (b'{"a": []}', "not a JSON array"),
        (b"hello", "'hello'"),
        (b"[]", "no record"),
        (b"[", "record 1"),
        (b"[1]", "record 1"),
        (b"[[]]", "record 1"),
        (b"[{}]", "record 1"),
        (b"[{,}]", "record 1"),
        (b"\xff\xfe[", "not a JSON array"),
    ],
)
def test_what_is_no_array_of_records_is_refused(text: bytes, named: str) -> None:
    assert named in refused(text)


def whole(*trees: dict[str, Any]) -> bytes:
    return json.dumps(list(trees or [fields(1), fields(2)])).encode()


def test_a_file_cut_anywhere_is_refused_with_the_number_of_the_record() -> None:
    text = whole()
    second = text.index(b'"00002"')
    for cut in range(1, len(text)):
        sentence = refused(text[:cut])
        assert "record" in sentence or "no record" in sentence, (cut, sentence)
        if cut > second:
            assert "record 2" in sentence, (cut, sentence)
            assert "img2sen_001" in sentence or text[:cut].endswith(b"}"), (cut, sentence)


def test_what_follows_a_record_or_the_array_is_refused() -> None:
    text = whole()
    assert "continues" in refused(text + b"[]")
    assert "continues" in refused(text + text)
    assert "record 1" in refused(whole(fields())[:-1] + b";]")
    assert "record 2" in refused(whole(fields())[:-1] + b",]")
    assert "record 2" in refused(whole(fields())[:-1] + b",{" + b"]")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"image": ...}, "no image"),
        ({"image": None}, "no image"),
        ({"image": "a.jpg"}, "not a nested list"),
        ({"image": 7}, "not a nested list"),
        ({"image": {"a": [1]}}, "not a nested list"),
        ({"topic_id": ...}, "no topic_id"),
        ({"topic_id": ""}, "no topic_id"),
        ({"topic_id": ["a"]}, "topic_id"),
        ({"topic_id": True}, "topic_id"),
        ({"dmr_minute_id": ...}, "no dmr_minute_id"),
        ({"dmr_minute_id": None}, "no dmr_minute_id"),
        ({"input_modal": "text"}, '"text"'),
        ({"input_modal": "sensor"}, '"sensor"'),
        ({"output_modal": ["sensor"]}, "output_modal"),
        ({"output_modal": ...}, "null"),
    ],
)
def test_a_record_that_lacks_what_every_record_has_is_named(changes: dict[str, Any], named: str) -> None:
    sentence = refused(whole(fields(1), fields(2, **changes)))
    assert named in sentence
    assert "record 2" in sentence
    if "topic_id" not in changes:
        assert "topic img2sen_001" in sentence


@pytest.mark.parametrize("more", [b'"image": [[[1]]]', b'"im\\u0061ge": null', b'"topic_id": "b"', b'"city": "Cork"'])
def test_a_key_that_comes_twice_is_refused(more: bytes) -> None:
    sentence = refused(whole(fields())[:-2] + b", " + more + b"}]")
    assert "appears twice" in sentence
    assert "record 1 (topic img2sen_001)" in sentence


@pytest.mark.parametrize(
    "written", ["\\ud800", "a\\nb", "x" * 257, "\\u0000", "é" * 129], ids=["half", "lines", "long", "nul", "bytes"]
)
def test_an_id_that_no_run_can_hold_is_refused(written: str) -> None:
    text = whole(fields()).replace(b'"00001"', f'"{written}"'.encode())
    sentence = refused(text)
    assert "dmr_minute_id" in sentence
    assert sentence.isprintable()
    assert "record 1" in refused(whole(fields()).replace(b'"00001"', b"Infinity"))


def test_blanks_and_open_texts_without_end_do_not_fill_the_memory() -> None:
    tracemalloc.start()
    assert "is empty" in refused(b" " * (1 << 25))
    assert "'x'" in refused(b"[" + whole(fields())[1:-1] + b" " * (1 << 25) + b"x")
    assert "string longer than" in refused(b'[{"topic_id": "q", "city": "' + b"\\" * (1 << 25))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 6 * (1 << 25)  # the inputs themselves are here too


def test_a_record_that_never_ends_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ntcir.submission.stream, "_LONGEST", 1 << 20)

    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1, /) -> bytes:
            self.given += size
            assert self.given < 1 << 24
            return b'[{"topic_id": "q", "image": [[[' if self.given == size else b"1," * (size // 2)

    with pytest.raises(UserError, match=r"record 1 \(topic q\): it is longer"):
        list(read_records(Endless(), NAME))  # type: ignore[arg-type]
