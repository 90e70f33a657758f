"""Modalities and the directions between them: by name, in one order, whatever pair they are of."""

from __future__ import annotations

import pytest
from helpers import refusal

from ntcir.modalities import (
    DEFAULT_PAIR,
    Modality,
    all_directions,
    both_ways,
    direction,
    directions,
    modality,
    register,
)
from ntcir.modalities.image import IMAGE
from ntcir.modalities.sensor import SENSOR


def test_a_direction_is_named_after_the_codes_of_who_asks_and_who_answers(caption):
    assert [each.name for each in directions(DEFAULT_PAIR)] == ["img2sen", "sen2img"]
    assert [each.name for each in directions(("caption", "image"))] == ["cap2img", "img2cap"]
    others = ["img2txt", "txt2img", "img2cap", "cap2img", "sen2txt", "txt2sen", "sen2cap", "cap2sen"]
    assert list(all_directions()) == ["img2sen", "sen2img", *others, "txt2cap", "cap2txt"]
    assert direction("cap2img") == (caption, IMAGE)


def test_what_there_is_not_is_refused_with_what_there_is():
    assert "There is no direction 'img2sne' (did you mean 'img2sen'?)" in refusal(direction, "img2sne")
    assert "There is no modality 'sensors' (did you mean 'sensor'?)" in refusal(modality, "sensors")
    assert "image, sensor" in refusal(directions, ("image", "text of another kind"))


def test_a_name_and_a_code_are_one_modality_s(caption):
    register(caption)  # once more
    with pytest.raises(ValueError, match=r"sound \(img\) has the name or the code of another"):
        register(Modality("sound", "img", "sound", "sounds", str, str, lambda item, row: item, ("vectors",)))


@pytest.mark.parametrize(
    ("found", "groups"),
    [
        ([], ["img2sen", "sen2img"]),
        (["step", "loss"], ["img2sen", "sen2img"]),
        (["sen2img"], ["img2sen", "sen2img"]),
        (["cap2img", "seconds"], ["img2cap", "cap2img"]),
        (["cap2sen", "img2sen"], ["img2sen", "sen2img", "sen2cap", "cap2sen"]),
    ],
)
@pytest.mark.usefixtures("caption")
def test_figures_are_given_both_ways_of_each_pair_that_occurs(found, groups):
    assert list(both_ways(found)) == groups


@pytest.mark.parametrize(
    ("cell", "owner"),
    [
        ("a.jpg", IMAGE), ("a {b}.jpg", IMAGE), ('"a".jpg', IMAGE), ("{}", SENSOR), ('{"x": 1}', SENSOR),
        ('"{""x"": 1}"', SENSOR), ('" {""x"": 1}"', SENSOR), ("{x", SENSOR), ('"{""x"": 1', SENSOR),
    ],
)  # fmt: skip
def test_a_cell_is_of_one_of_photographs_and_readings(cell, owner):
    assert [each for each in (IMAGE, SENSOR) if each.takes(cell)] == [owner]


@pytest.mark.parametrize("cell", ['{"x": 1}', '"{""x"": 1}"', '" {""x"": 1}"', '"{""x"": 1} "'])
def test_readings_are_read_in_the_quotes_of_a_spreadsheet_too(cell):
    assert SENSOR.parse(cell) == {"x": 1}


@pytest.mark.parametrize("cell", ["{", '"{', '""{""x"": 1}""', '""{}""', '"" {"x": 1}', "{}", '{"x": [1]}'])
def test_readings_that_cannot_be_read_are_one_sentence(cell):
    with pytest.raises(ValueError, match=r"^the (query|reading)"):
        SENSOR.parse(cell)
