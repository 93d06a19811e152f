"""Which video each pair is drawn from.

Pairs come in passes over all sources, as in the released code: a pass holds a number of videos of each source, in
random order. Pass p follows from the seed and p alone, pair i of epoch e stands at place e · (pairs an epoch) + i of
the endless row of passes. So it does not matter who draws it, nor when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Share", "draw_videos", "make_generator"]

_PASS, _PAIR = 0, 1


@dataclass(frozen=True)
class Share:
    """What a source gives to a pass.

    Attributes:
        count: videos a pass.
        weights: (K,) of its videos, one above 0 at least.
    """

    count: int
    weights: npt.NDArray[np.float64]


def make_generator(seed: int, epoch: int, pair: int, attempt: int = 0) -> np.random.Generator:
    """The chance of one attempt at one pair; independent of all others (Philox, by counter)."""
    return np.random.Generator(np.random.Philox(counter=[0, attempt, pair, epoch], key=[seed, _PAIR]))


def draw_videos(
    shares: Sequence[Share], seed: int, start: int, stop: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Places `start` to `stop` - 1 of the row of passes.

    Returns:
        (stop - start,) the source of each, and (stop - start,) the video among the source's.
    """
    length = sum(share.count for share in shares)
    first, last = start // length, (stop - 1) // length
    passes = [_draw_pass(shares, seed, number) for number in range(first, last + 1)]
    sources = np.concatenate([one[0] for one in passes])
    videos = np.concatenate([one[1] for one in passes])
    cut = slice(start - first * length, stop - first * length)
    return sources[cut], videos[cut]


def _draw_pass(shares: Sequence[Share], seed: int, number: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    rng = np.random.Generator(np.random.Philox(counter=[0, 0, number, 0], key=[seed, _PASS]))
    videos = [_draw_share(share, rng) for share in shares]
    sources = np.repeat(np.arange(len(shares)), [share.count for share in shares])
    order = rng.permutation(len(sources))
    return sources[order], np.concatenate(videos)[order]


def _draw_share(share: Share, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """`count` videos, each as often as its weight asks for, rounded up or down by chance."""
    order = rng.permutation(len(share.weights))
    reach = np.cumsum(share.weights[order])
    # Systematic sampling: points at equal distances over the weights in random order.
    points = (np.arange(share.count) + rng.random()) * (reach[-1] / share.count)
    drawn: npt.NDArray[np.int64] = order[np.minimum(np.searchsorted(reach, points, side="right"), len(order) - 1)]
    return drawn
