"""Whatever lies in the place of a file that is read: a value or one sentence, soon. ``make fuzz`` does more of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fuzzing import Job, dealt, fuzz, shares
from helpers import ROOT
from kinds import KINDS

NUMBER = 2000  # a few dozen of each kind; what is rare is found by more of them


def test_files_of_every_kind_damaged_or_something_else_altogether_end_in_a_value_or_one_sentence(tmp_path: Path):
    piles = dealt(shares(NUMBER, slow=False), 2)
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda pile: fuzz(pile, 0, tmp_path), piles))
    failures = [failure.told(0) for outcome in outcomes for failure in outcome.failures]
    assert not failures, "\n".join(failures)
    assert {name for outcome in outcomes for name in outcome.rates} == {job.kind for pile in piles for job in pile}


def test_the_page_says_how_many_kinds_there_are():
    page = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
    assert f"damaged files of {len(KINDS)} kinds" in page


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path]:
    """What the harness says of a reader that ends in each way, and where it keeps the files."""
    keep = tmp_path_factory.mktemp("kept")
    outcome = fuzz([Job("bad", 0, 16)], 3, keep, seconds=1.0)
    assert set(outcome.rates) <= {"bad"}
    return [failure.told(3) for failure in outcome.failures], keep


@pytest.mark.parametrize(
    "way", ["KeyError", "ended by SIGSEGV", "not done after 1 s", "MemoryError", "half-written files: ['.letter.new']"]
)
def test_a_traceback_a_crash_a_hang_a_lack_of_memory_and_half_a_file_are_seen(seen, way):
    told, _ = seen
    assert any(way in failure for failure in told), told


def test_a_failure_says_how_to_have_it_again_and_its_file_is_kept(seen):
    told, keep = seen
    assert all("again: make fuzz SEED=3 KIND='bad' CASE=" in failure for failure in told)
    assert {path.read_bytes() for path in keep.iterdir()} >= {b"a", b"d", b"e"}
