"""Fit a local posterior: draw the corruption, count what it does, and choose what to compare with and how wide to look.

Knows training samples, validation pairs and the corruptor, of which it asks nothing but draws. Nothing is trained.
"""

from collections.abc import Iterable
from functools import cache
from itertools import product

import torch
from torch import Tensor

from daecore.analysis.pixel_channel import PixelChannel
from daecore.corruption.corruptor import Corruptor
from daecore.corruption.pairs import enlarge
from daecore.data.samples import Pairs, Samples, as_float
from daecore.evaluation.local_posterior import LocalPosterior, choose_originals
from daecore.rng import stream
from daecore.stats.metrics import decibel, image_mse

TUNING_ORIGINALS, TUNED = 2_000, 50  # training and validation pictures that choose
DRAWS = 5  # corruptions of each original: one is counted, the others are averaged
SIZE = 1000
WINDOWS = (3, 5, 7, 9, 11, 15)  # pixels; beyond, the whole picture
FIRST_WINDOW = 5  # where the search begins
WIDTHS = (0.03, 0.06, 0.12, 0.25)  # shares of the references' range


def fit_local_posterior(train: Samples, validation: Pairs, corruptor: Corruptor) -> LocalPosterior:
    """Draw the corruption of training pictures, count what it does, and choose window and width on validation pairs.

    Corrupted pictures are compared with the originals, or with the mean of a few corruptions of each: the latter is
    what a blur needs, whose pixels say little of the original's at their own place. Validation chooses that, too.

    Args:
        train: The training samples, on the CPU; see `unfit_for_local_posterior`.
        validation: Pairs that choose; the first `TUNED` are looked at.
        corruptor: What is to be undone.

    Returns:
        The baseline of highest mean PSNR on the validation pairs.
    """
    originals = choose_originals(train)
    return _Candidates(originals, validation, *_draw(originals, corruptor)).choose()


class _Candidates:
    """Local posteriors that differ in reference, width and window."""

    def __init__(self, originals: Samples, validation: Pairs, clean: Tensor, expected: Tensor, drawn: Tensor) -> None:
        self._originals = originals.data
        self._clean = as_float(validation.clean.head(TUNED))
        self._corrupted = validation.corrupted[:TUNED]
        self._channels = [PixelChannel.measure(references, drawn) for references in (clean, expected)]
        pairs = zip(self._channels, (clean, expected), strict=True)
        self._levels = [channel.levels(references) for channel, references in pairs]
        self._db = cache(self._measure_db)

    def choose(self) -> LocalPosterior:
        """References and width at one window, then the window, then the width once more."""
        whole = 2 * max(self._clean.shape[-2:]) - 1
        windows = [*(window for window in WINDOWS if window < whole), whole]
        window = min(FIRST_WINDOW, whole)
        kind, width = max(product((0, 1), WIDTHS), key=lambda it: self._db(*it, window))
        window = self._climb(kind, width, windows, windows.index(window))
        width = max(WIDTHS, key=lambda it: self._db(kind, it, window))
        return self.make(kind, width, window)

    def _climb(self, kind: int, width: float, windows: list[int], at: int) -> int:
        """From one window to wider ones as long as they are better, else to narrower ones."""

        def best_of(going: Iterable[int]) -> int:
            found, before = windows[at], self._db(kind, width, windows[at])
            for window in going:
                if (db := self._db(kind, width, window)) <= before:
                    break
                found, before = window, db
            return found

        wider = best_of(windows[at + 1 :])
        return wider if wider != windows[at] else best_of(reversed(windows[:at]))

    def make(self, kind: int, width: float, window: int, count: int | None = None) -> LocalPosterior:
        """One of them, over all originals or the first few."""
        channel = self._channels[kind].smoothed(width)
        return LocalPosterior(self._originals[:count], self._levels[kind][:count], channel, window)

    def _measure_db(self, kind: int, width: float, window: int) -> float:
        restore = self.make(kind, width, window, TUNING_ORIGINALS)
        restored = restore(self._corrupted, tuple(self._clean.shape[1:]))
        return decibel(image_mse(restored, self._clean)).mean().item()


def _draw(originals: Samples, corruptor: Corruptor) -> tuple[Tensor, Tensor, Tensor]:
    """The originals, what their corruption is on the average, and one corruption more: float32 ``(N, 1, H, W)``.

    A corruption that gives the same twice is not random and is not drawn again.
    """
    clean = as_float(originals.data)
    generator = stream(0, "local posterior", originals.digest, corruptor.digest)
    draws = [_corrupt(clean, corruptor, generator) for _ in range(2)]
    if not torch.equal(*draws):
        draws += [_corrupt(clean, corruptor, generator) for _ in range(DRAWS - 2)]
    return clean, torch.stack(draws[1:]).mean(0), draws[0]


def _corrupt(clean: Tensor, corruptor: Corruptor, generator: torch.Generator) -> Tensor:
    shape = tuple(clean.shape[1:])
    return torch.cat([enlarge(corruptor(some, generator).x, shape) for some in clean.split(SIZE)])
