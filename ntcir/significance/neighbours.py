"""The usual blocks of neighbours in time, by which intervals are not too narrow where nobody says what blocks are.

``ntcir score``, ``compare``, ``evaluate``, ``ablate`` and the standard errors of validation all draw these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ntcir.formats.columns import Floats, Ints
from ntcir.significance.blocks import consecutive
from ntcir.system.errors import counted

FRAMES = 20  # queries; the error of a drive's frames stops growing there (docs/results.md, Noise of validation)
GAP = 3600.0  # seconds between topics beyond which they are taken for independent
FEW = 10  # blocks, below which an interval over them is rough
_LEAST = 5  # blocks, below which single topics are drawn


@dataclass(frozen=True)
class Neighbours:
    """Blocks of topics that are close in time.

    Attributes:
        codes: the block of each topic, int64 (topics,).
        length: topics of a direction that a block has at least, unless a gap or a session ends it.
        untimed: topics without a time, each a block of its own.
    """

    codes: Ints
    length: int
    untimed: int = 0

    def described(self, topic: str, topics: str) -> str:
        """Return what is drawn, as part of a sentence.

        Args:
            topic: the noun for one of them.
            topics: its plural.
        """
        said = (
            f"{int(self.codes.max()) + 1} blocks of neighbouring {topics}, which are not independent: at least "
            f"{self.length} of a direction that follow one another in time, fewer before a gap of over an hour"
        )
        untimed = counted(self.untimed, f"{topic} has no time and is a block", f"{topics} have no time and are blocks")
        return f"{said}; {untimed} of their own" if self.untimed else said

    def remarks(self) -> tuple[str, ...]:
        """Return a sentence if there are only few blocks."""
        return few_blocks(self.codes)


def neighbours(times: Floats, asked: Ints, sessions: Ints | None = None, *, dense: bool = False) -> Neighbours | None:
    """Return blocks of neighbouring topics; None where each topic is best drawn by itself.

    A block has at least as many topics of a direction as the cube root of their number, the order of length that suits
    a bootstrap of blocks (Kuensch, The jackknife and the bootstrap for general stationary observations, Annals of
    Statistics 17, 1989), but at most a fifth of them: an interval over two or three blocks may come out narrower than
    one over topics. Topics over an hour apart are not neighbours.

    Args:
        times: of the topics, in seconds, NaN where unknown, (topics,).
        asked: a number for the direction of each, (topics,).
        sessions: a number for the session of each, (topics,); a block is of one session. None where they are not known.
        dense: whether every item of a split asks, rather than a few that were drawn. Neighbours are then frames, of
            which a block has at least ``FRAMES``; a tenth of the queries, where that is fewer.
    """
    known = ~np.isnan(times)
    most = int(np.bincount(asked[known]).max(initial=0))
    length = max(min(round(most ** (1 / 3)), most // _LEAST), min(FRAMES, most // FEW) if dense else 0)
    if length < 2:
        return None
    codes = consecutive(times, asked, length, GAP, sessions)
    if codes.max() < 1 or _are_apart(codes, times, asked):
        return None
    return Neighbours(codes, length, int((~known).sum()))


def _are_apart(codes: Ints, times: Floats, asked: Ints) -> bool:
    """Return whether no block has two topics of a direction, or of one time.

    One topic a day and direction are apart, though those of both directions may happen to be within an hour.
    """
    return all(len(np.unique(np.stack([codes, other]), axis=1).T) == len(codes) for other in (asked, times))


def few_blocks(codes: Ints) -> tuple[str, ...]:
    """Return a sentence if blocks, (topics,), are so few that an interval over them is rough."""
    number = int(codes.max(initial=-1)) + 1
    if number >= min(FEW, len(codes)):
        return ()
    return (f"With only {number} blocks, intervals are rough and rather too narrow.",)
