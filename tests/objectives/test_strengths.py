"""How strongly computed maps are regularised: what the configuration says, what chooses, what the user is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers import refusal
from paired import moments_of, rows

from ntcir.config import load_config
from ntcir.objectives.cca import Cca
from ntcir.objectives.cross_validation import best_strength
from ntcir.objectives.least_squares import LeastSquares
from ntcir.objectives.linear_maps import LinearMaps, Problem
from ntcir.objectives.strengths import RegularisedMaps

X, Y = rows()
MOMENTS = moments_of(X, Y)
BOTH = (best_strength(MOMENTS), best_strength(MOMENTS.mirrored))
KINDS = [pytest.param(Cca(), id="cca"), pytest.param(LeastSquares(), id="least_squares")]
WAYS = {"left": {"left": BOTH[0]}, "right": {"right": BOTH[1]}, "both": {"left": BOTH[0], "right": BOTH[1]}}


def with_rule(kind: RegularisedMaps, **settings: Any) -> RegularisedMaps:
    return kind.model_validate({**kind.model_dump(), **settings})


def judge_who_likes(strength: float) -> Any:
    """Return a judge of maps that likes one strength of both sides best, and another one half as much."""
    liked = Cca(regularisation=strength).solve(Problem(MOMENTS, 3)).left

    def judge(maps: LinearMaps) -> float:
        return 0.6 - float(np.abs(np.abs(maps.left) - np.abs(liked)).sum())

    return judge


@pytest.mark.parametrize("kind", KINDS)
def test_by_default_generalised_cross_validation_chooses_for_each_side_and_it_is_said(kind, capsys):
    maps = kind.solve(Problem(MOMENTS, 3))
    assert maps.facts["regularisation"] == {**WAYS["both"], "chosen_by": "gcv"}
    numbers = f"{BOTH[0]:g} (left) and {BOTH[1]:g} (right)"
    assert (
        f"{kind.kind}: regularised by {numbers} times the mean eigenvalue, chosen by gcv.\n" == capsys.readouterr().err
    )
    again = with_rule(kind, regularisation=BOTH).solve(Problem(MOMENTS, 3))
    assert np.array_equal(again.left, maps.left)
    assert np.array_equal(again.right, maps.right)
    assert again.facts["regularisation"] == WAYS["both"]


@pytest.mark.parametrize("way", WAYS)
def test_only_sides_that_are_regularised_are_chosen_for(way):
    maps = LeastSquares(maps=way).solve(Problem(MOMENTS, 3))
    assert maps.facts["regularisation"] == {**WAYS[way], "chosen_by": "gcv"}


def test_means_choose_where_pairs_are_not_independent_of_each_other():
    repeated = moments_of(np.repeat(X, 9, axis=0), np.repeat(Y, 9, axis=0) + np.tile(Y[:9], (60, 1)))
    maps = Cca(pairs="all").solve(Problem(repeated, 3, means=lambda: MOMENTS))
    assert maps.facts["regularisation"] == {**WAYS["both"], "chosen_by": "gcv"}
    assert best_strength(repeated) != BOTH[0]


@pytest.mark.parametrize("multiple", [1.0, 10**0.5, 0.1])
def test_the_validation_split_chooses_among_multiples_of_that(multiple, capsys):
    liked = tuple(float(f"{multiple * r:.3g}") for r in BOTH)
    maps = Cca(regularisation="validation").solve(Problem(MOMENTS, 3, judge_who_likes(liked)))
    found = dict(maps.facts["regularisation"])
    assert found.pop("validation_mrr") == pytest.approx(0.6)
    assert found == {"left": liked[0], "right": liked[1], "chosen_by": "validation"}
    said = capsys.readouterr().err
    assert "chosen by validation with a mean MRR of 0.6000" in said
    assert "WARNING" not in said


def test_of_strengths_that_are_equally_good_the_one_that_gcv_chose_is_taken():
    maps = Cca(regularisation="validation").solve(Problem(MOMENTS, 3, lambda maps: 0.5))
    assert maps.facts["regularisation"] == {**WAYS["both"], "chosen_by": "validation", "validation_mrr": 0.5}


@pytest.mark.parametrize(("multiple", "word"), [(0.01, "weakest"), (100, "strongest")])
def test_a_choice_at_the_end_of_what_validation_tries_is_warned_of(multiple, word, capsys):
    liked = tuple(float(f"{multiple * r:.3g}") for r in BOTH)
    Cca(regularisation="validation").solve(Problem(MOMENTS, 3, judge_who_likes(liked)))
    assert f"WARNING: cca: that is the {word} regularisation that validation tried" in capsys.readouterr().err


@pytest.mark.parametrize(("shared", "word"), [(1, "weaker than 0.001"), (1e-9, "stronger than 1000")])
def test_a_choice_at_the_end_of_what_gcv_tries_is_warned_of(shared, word, capsys):
    moments = moments_of(*rows(noise=1e-3))
    moments = replace(moments, across=shared * moments.across)
    LeastSquares(maps="left").solve(Problem(moments, 3))
    assert (
        f"WARNING: least_squares: gcv tries nothing {word}, which it chose for the left side" in capsys.readouterr().err
    )


def test_the_validation_split_cannot_choose_where_there_is_none():
    said = refusal(lambda: Cca(regularisation="validation").solve(Problem(MOMENTS, 3)))
    assert said.startswith(
        "objectives.0.regularisation = validation needs a validation split of two pairs or more, and there is none"
    )


@pytest.mark.parametrize("r", [0, 1e-17])
@pytest.mark.parametrize(("left", "right", "side"), [(80, 5, "left"), (5, 80, "right"), (60, 5, "left")])
def test_fewer_pairs_than_columns_are_refused_without_regularisation(r, left, right, side):
    moments = moments_of(*rows(60, left, right))
    said = refusal(lambda: Cca(regularisation=r).solve(Problem(moments, 3)))
    columns = max(left, right)
    assert said == (
        f"objectives.0.regularisation = {r:g} is not enough: the {side} side has {columns} columns, and the training "
        "pairs show only 60 instances to tell them apart; give objectives.0.regularisation=gcv or a larger number."
    )


def test_so_are_fewer_instances_however_many_pairs_they_make():
    x, y = rows(8, 10, 5)
    draw = np.random.default_rng(0)
    captions = np.repeat(y, 9, axis=0) + draw.normal(size=(72, 5)).astype(np.float32)
    pairs = moments_of(np.repeat(x, 9, axis=0), captions)
    said = refusal(lambda: Cca(regularisation=0).solve(Problem(pairs, 3, means=lambda: moments_of(x, y))))
    assert "the left side has 10 columns, and the training pairs show only 8 instances" in said


@pytest.mark.parametrize("odd", ["constant", "duplicated", "sum of others"])
@pytest.mark.parametrize("kind", [Cca(), LeastSquares(maps="left")], ids=lambda kind: kind.kind)
def test_columns_that_say_nothing_new_change_nothing_and_are_told_of(kind, odd, capsys):
    column = {"constant": 0 * X[:, :1] + 3, "duplicated": X[:, :1], "sum of others": X[:, :1] + X[:, 1:2]}[odd]
    wider = moments_of(np.hstack([X, column]), Y)
    plain, more = (with_rule(kind, regularisation=0).solve(Problem(each, 5)) for each in (MOMENTS, wider))
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    x_wider = np.hstack([X, column]) - np.hstack([X, column]).mean(axis=0)
    expected = (x @ plain.left.T) @ (y @ plain.right.T).T
    assert np.allclose((x_wider @ more.left.T) @ (y @ more.right.T).T, expected, atol=1e-4 * np.abs(expected).max())
    said = capsys.readouterr().err
    assert said.count("some columns of the left side are constant or depend on others") == 1
    assert "the right side" not in said
    assert more.facts["regularisation"]["left"] == 1e-8


@pytest.mark.parametrize("given", ["3", "1e-3", "[1, 0]", "1e6", "gcv", "validation"])
@pytest.mark.parametrize("kind", ["cca", "least_squares"])
def test_what_a_regularisation_can_be(kind, given):
    config = load_config(settings=[f"objectives=[{{kind: {kind}, regularisation: {given}}}]"])
    again = load_config(settings=[f"objectives={config.model_dump(mode='json')['objectives']}"])
    assert again.objectives == config.objectives


@pytest.mark.parametrize(
    "given", ["-1", "[1, -1]", "[1, 2, 3]", "auto", "1e7", ".inf", ".nan", "true", "[gcv, 1]", "null"]
)
@pytest.mark.parametrize("kind", ["cca", "least_squares"])
def test_any_other_regularisation_is_refused(kind, given):
    said = refusal(lambda: load_config(settings=[f"objectives=[{{kind: {kind}, regularisation: {given}}}]"]))
    assert said.count("is not valid") == 1
    assert "is not valid: give gcv, validation, a number from 0 to 1,000,000, or two such numbers" in said
    assert "objectives" in said


@pytest.mark.parametrize("way", ["left", "right"])
def test_two_strengths_for_one_side_are_refused(way):
    said = refusal(
        lambda: load_config(settings=[f"objectives=[{{kind: least_squares, maps: {way}, regularisation: [1, 2]}}]"])
    )
    assert f"maps = {way} regularises one side alone: give one number" in said
