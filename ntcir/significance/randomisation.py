"""The paired randomisation test, and Holm's correction for as many of them as are made.

If two runs were alike, each topic's difference could as well have the other sign. The test asks how often random signs
give a mean as far from 0 as the one found (Smucker et al., A comparison of statistical significance tests for
information retrieval evaluation, CIKM 2007). Topics of one block, which are not independent, change sign together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ntcir.formats.columns import Floats

DRAWS = 10_000
_MOST_EXACT = 13  # blocks up to which all signs, 2^13 = 8,192, are fewer than as many draws
_SIGNS_AT_ONCE = 1 << 23  # bounds the memory whatever the number of blocks
_EQUAL = 1e-12  # sums that are the same but for the order of their terms


def sign_flip_test(differences: Floats, draws: int = DRAWS, seed: int = 0) -> float:
    """Return the two-sided p of a paired randomisation test.

    Args:
        differences: (blocks,), a paired difference each: of a topic, or the sum over a block of topics. The statistic
            is their sum: with the numbers of rows as they are, the mean is proportional to it.
        draws: of random signs, where there are too many blocks for all of the 2^blocks; the signs found count as one
            draw more, so that no p is 0 (Phipson and Smyth, Permutation p-values should never be zero, 2010).
        seed: of these draws.
    """
    changing = differences[differences != 0]  # the sign of 0 does not matter
    scale = float(np.abs(changing).sum())
    if not len(changing):
        return 1.0
    found = abs(float(changing.sum())) - _EQUAL * scale
    if len(changing) <= _MOST_EXACT:
        numbers = np.arange(1 << len(changing))[:, None] >> np.arange(len(changing)) & 1
        return float((np.abs(_sums(numbers, changing)) >= found).mean())
    generator = np.random.default_rng(seed)
    at_once = max(1, _SIGNS_AT_ONCE // len(changing))
    as_far = 0
    for done in range(0, draws, at_once):
        number = min(at_once, draws - done)
        drawn = np.frombuffer(generator.bytes(-(-number * len(changing) // 8)), np.uint8)
        bits = np.unpackbits(drawn, count=number * len(changing)).reshape(number, -1)
        as_far += int((np.abs(_sums(bits, changing)) >= found).sum())
    return (as_far + 1) / (draws + 1)


def _sums(negative: np.ndarray, values: Floats) -> Floats:
    """Return the sum of ``values``, (blocks,), with the signs of each row of ``negative``, 0/1 [rows, blocks]."""
    sums: Floats = values.sum() - 2 * (negative @ values)
    return sums


def smallest_p(blocks: int) -> float:
    """Return the smallest p that a test over so many blocks can have."""
    return 2.0 ** (1 - blocks) if blocks <= _MOST_EXACT else 1 / (DRAWS + 1)


def holm(p: Sequence[float]) -> list[float]:
    """Return p values corrected for their number, so that one below a level is so among all of them.

    The k-th smallest of m is multiplied by m - k + 1, and none is below that of a smaller one (Holm, A simple
    sequentially rejective multiple test procedure, 1979). It holds whatever the tests' dependence.
    """
    corrected = [1.0] * len(p)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        highest = max(highest, min(1.0, p[index] * (len(p) - place)))
        corrected[index] = highest
    return corrected
