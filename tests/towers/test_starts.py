"""Where captions begin: by hand."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from helpers import one_thread  # noqa: F401
from torch import nn

import ntcir.towers.starts
from ntcir.towers.starts import Starts
from ntcir.towers.tower import Tower
from ntcir.towers.whole_batch import of_whole

pytestmark = pytest.mark.usefixtures("one_thread")
LENGTH = 5
CAPTIONS = ([7, 8, 9], [4], [], [1, 2, 3, 4, 5], [6, 6])


def rows() -> torch.Tensor:
    return torch.tensor([[*words, *[0] * (LENGTH - len(words))] for words in CAPTIONS], dtype=torch.float32)


def placed(words: list[int]) -> list[list[float]]:
    """Return a caption at each of its starts, in order."""
    starts = range(LENGTH - len(words) + 1) if words else [0]
    return [[0] * start + words + [0] * (LENGTH - len(words) - start) for start in starts]


def test_every_start_of_every_caption_is_yielded_with_whose_it_is(monkeypatch):
    expected = [(row, each) for row, words in enumerate(CAPTIONS) for each in placed(words)]
    assert len(expected) == 3 + 5 + 1 + 1 + 4
    for most in (1024, 2):
        monkeypatch.setattr(ntcir.towers.starts, "_AT_ONCE", most)
        blocks = list(Starts(every=True).every(rows()))
        assert max(len(some) for some, _ in blocks) <= most
        found = [(int(row), each.tolist()) for some, owners in blocks for row, each in zip(owners, some, strict=True)]
        assert found == expected


def test_the_first_start_alone_counts_where_shifts_are_for_training():
    ((found, owners),) = Starts(every=False).every(rows())
    assert torch.equal(found, rows())
    assert owners.tolist() == list(range(len(CAPTIONS)))


@pytest.mark.parametrize("every", [True, False])
def test_starts_are_drawn_alike_and_anew_each_time(every):
    torch.manual_seed(1)
    views, found = Starts(every=every), [Counter() for _ in CAPTIONS]
    for _ in range(600):
        for seen, row in zip(found, views.drawn(rows()), strict=True):
            seen[tuple(row.tolist())] += 1
    for seen, words in zip(found, CAPTIONS, strict=True):
        starts = placed(words)
        assert set(seen) == {tuple(start) for start in starts}
        assert min(seen.values()) > 0.7 * 600 / len(starts)


def test_a_draw_that_is_rounded_up_is_no_start_too_many(monkeypatch):
    monkeypatch.setattr(torch, "rand", lambda size: torch.full((size,), 1.0))
    assert Starts(every=False).drawn(rows()).tolist() == [placed(words)[-1] for words in CAPTIONS]


def test_starts_are_the_same_however_many_processes_share_a_batch():
    views = Starts(every=True)

    def of(part: slice) -> tuple[torch.Tensor, torch.Tensor]:
        torch.manual_seed(3)
        return views.drawn(rows()[part]), torch.rand(1)

    whole, after = of(slice(None))
    for part in (slice(0, 2), slice(2, 5), slice(0, 0)):
        with of_whole(views, len(CAPTIONS), part):
            found = of(part)
        assert torch.equal(found[0], whole[part])
        assert torch.equal(found[1], after)


def test_the_vectors_of_all_starts_are_added_up(monkeypatch):
    monkeypatch.setattr(ntcir.towers.starts, "_AT_ONCE", 4)
    torch.manual_seed(2)
    head = nn.Sequential(nn.Linear(LENGTH, 4), nn.Tanh())
    tower = Tower(nn.Identity(), head, Starts(every=True)).eval()
    found = tower(rows())
    for words, vector in zip(CAPTIONS, found, strict=True):
        total = sum(head(torch.tensor(each, dtype=torch.float32)) for each in placed(words))
        assert torch.allclose(vector, total / total.norm(), atol=1e-6)
    once = Tower(nn.Identity(), head, Starts(every=False)).eval()
    assert torch.allclose(once(rows()), nn.functional.normalize(head(rows()), dim=1))
    assert tower(rows()[:0]).shape == (0, 4)
