"""A trained network in somebody's hands: it restores, encodes, draws and bounds what a program or a notebook has.

Knows the network, what its file says of it, and where its error bars lie. Does not know runs or stores.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Integral, Real
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from daecore.data.dimensions import EVERYTHING, Choice
from daecore.device import Device
from daecore.errors import InputError, NonFiniteError, quote
from daecore.model.autoencoder import Autoencoder, find_encoder
from daecore.model.picture_sampling import draw_picture, require_sampler
from daecore.model.restore import restore
from daecore.model.restorer import Restorer
from daecore.model.sampler import Sampler
from daecore.model.sampling import draw_samples
from daecore.trained.asked import Range, as_range, as_sampling
from daecore.trained.error_bars_file import error_bars_of
from daecore.trained.given import Given, take_pictures, take_samples
from daecore.trained.model_file import ModelHeader
from daecore.uncertainty.picture_bars import bound_picture, unlike

BATCH = 500  # samples at a time
SMALLEST = 32  # side of a tile: with a smaller one most of it is overlap


@dataclass(frozen=True)
class Interval:
    """What is said of what was restored; arrays as the caller has his own.

    Attributes:
        restored: What was restored.
        lower: At most that, for each value.
        upper: At least that.
        level: What share of uncertain values is promised to lie within, all pictures counted together.
        promised_db: The PSNR that is promised to each picture, in dB.
        unlike: What sets these pictures apart from those that the bounds were calibrated on; then nothing is promised.
    """

    restored: Any
    lower: Any
    upper: Any
    level: float
    promised_db: tuple[float, ...]
    unlike: str = ""


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, as `daecore.load` gives it.

    What it is given is an array of NumPy, a tensor, a picture of Pillow, or the name of a file; the same comes back, of
    a file an array. A picture may have any size and be grey or in colour: ``(H, W)``, ``(H, W, 3)``, ``(3, H, W)``, or
    several, ``(N, H, W)``, ``(N, C, H, W)``, ``(N, H, W, 3)``. Whole numbers are the file's: they come back in their
    type. Floats are values, 0 black and 1 white, as far beyond as noise took them; where the network has learnt from
    floats in another range, and in files, they are taken in that. A network for points takes ``shape`` or
    ``(N, *shape)``.

    Attributes:
        module: The network itself, in evaluation mode.
        header: What its file says of it: its architecture, shapes, plugins, and range of numbers.
        device: On what it computes.
        find_bars: Gives the file of its error bars at a level.
    """

    module: Autoencoder
    header: ModelHeader
    device: Device
    find_bars: Callable[[float], Path] = field(repr=False)

    def restore(
        self, given: Any, *, tile: int = 0, choose: Choice = EVERYTHING, value_range: Range | None = None
    ) -> Any:
        """What the network makes of pictures or samples.

        Args:
            given: See the class.
            tile: Side of a tile, for networks that take any size; 0: as it fits.
            choose: What is taken of a file with several pictures, as ``{"channel": "DAPI", "time": 0}``.
            value_range: Which numbers are 0 and 1, as ``(0, 4095)``; None: as the network has learnt.

        Raises:
            InputError: It is nothing that this network takes.
            DataError: A file cannot be read.
            NonFiniteError: A value is NaN or infinite, or what was restored is.
        """
        taken = self._take(given, choose, value_range)
        with self.device.apply():
            return taken.again(self._restored(taken, tile))

    def encode(self, given: Any, *, choose: Choice = EVERYTHING, value_range: Range | None = None) -> Any:
        """The codes of pictures or samples, of the size that the network has learnt from.

        Args:
            given: See the class.
            choose: As in `restore`.
            value_range: Likewise.

        Returns:
            float32 ``(N, *code)``: a tensor for a tensor, else an array; one sample is a batch of one.

        Raises:
            InputError: It is nothing that this network takes, or it has no encoder.
            DataError: A file cannot be read.
            NonFiniteError: A value is NaN or infinite.
        """
        taken = self._take(given, choose, value_range)
        shape, encoder = self.header.input_shape, find_encoder(self.module)
        if tuple(taken.values.shape[1:]) != shape:
            raise InputError(f"Codes are made of samples of shape {shape}; got {tuple(taken.values.shape[1:])}.")
        with self.device.apply(), torch.inference_mode():
            codes = torch.cat([encoder(part.to(self.device.kind)).float() for part in taken.values.split(BATCH)])
        return codes.to(given.device) if isinstance(given, Tensor) else codes.cpu().numpy()

    def sample(
        self, given: Any, count: int = 1, *, steps: int | None = None, seed: int = 0,
        choose: Choice = EVERYTHING, value_range: Range | None = None,
    ) -> Any:  # fmt: skip
        """What pictures or samples could have been, several times over.

        Args:
            given: See the class.
            count: How many of each.
            steps: From noise to a sample.
            seed: Names the noise that they begin with.
            choose: As in `restore`.
            value_range: Likewise.

        Returns:
            As `restore` gives it, with one more axis in front, of length ``count``; pictures of Pillow as a list.

        Raises:
            InputError: It is nothing that this network takes, or the network cannot draw.
            DataError: A file cannot be read.
            NonFiniteError: A value is NaN or infinite.
        """
        require_sampler(self.module)
        options = as_sampling(count, steps, seed)
        taken = self._take(given, choose, value_range)
        with self.device.apply():
            if self._fits(taken):
                values = taken.values.to(self.device.kind)
                sampler = cast("Sampler", self.module)
                drawn = draw_samples(sampler, values, count, options, shape=self.header.output_shape)
            else:
                restorer = self._restorer(0)
                parts = [draw_picture(restorer, it.to(self.device.kind), count, options) for it in taken.values]
                drawn = torch.stack(parts, 1)
        return taken.again(drawn, leading=1)

    def interval(
        self, given: Any, level: float = 0.9, *, tile: int = 0, choose: Choice = EVERYTHING,
        value_range: Range | None = None,
    ) -> Interval:  # fmt: skip
        """Bounds around what is restored, calibrated so that a share of uncertain values lies within.

        The promise holds for pictures like those it was calibrated on; see docs/how-to/error-bars.md.

        Args:
            given: Pictures, see the class.
            level: The share. A run's bounds are fitted where it has none at this level; a file's lie beside it.
            tile: As in `restore`.
            choose: Likewise.
            value_range: Likewise.

        Raises:
            InputError: There are no such bounds, or it is nothing that this network takes.
            DataError: A file cannot be read.
            NonFiniteError: A value is NaN or infinite.
        """
        restorer = self._restorer(tile)
        if not isinstance(level, Real) or not 0 < level < 1:
            raise InputError(f"A level is a share of values between 0 and 1, as 0.9; got {quote(level)}.")
        bars = error_bars_of(self.find_bars(level), self.module, level)[0].to(self.device.kind)
        taken, found = self._take(given, choose, value_range), []
        with self.device.apply():
            restored = self._restored(taken, tile)
            for image, made in zip(taken.values, restored, strict=True):
                bounded = bound_picture(restorer, bars, image.to(self.device.kind), made.to(self.device.kind))
                around = replace(  # what is restored may lie beyond 0 and 1, where the bounds end
                    bounded, lower=bounded.lower.cpu().minimum(made), upper=bounded.upper.cpu().maximum(made)
                )
                found.append(around if taken.scale is None or not taken.counts else around.outwards(taken.scale))
        lower, upper = (taken.again(torch.stack([getattr(it, side) for it in found])) for side in ("lower", "upper"))
        return Interval(
            taken.again(restored), lower, upper, level, tuple(it.promised_db for it in found),
            unlike(tuple(taken.values.shape[1:]), restorer, bars, whole=taken.counts),
        )  # fmt: skip

    @property
    def _for_pictures(self) -> bool:
        return len(self.header.input_shape) == 3

    def _take(self, given: Any, choose: Choice, value_range: Range | None) -> Given:
        shape = self.header.input_shape
        if not self._for_pictures:
            return take_samples(given, shape)
        if not isinstance(choose, Mapping):
            raise InputError(f'What is chosen is named by its dimension, as {{"channel": 0}}; got {quote(choose)}.')
        wanted = self.header.value_range if value_range is None else as_range(value_range)
        return take_pictures(given, shape[0], wanted, choose)

    def _fits(self, taken: Given) -> bool:
        return tuple(taken.values.shape[1:]) == self.header.input_shape

    def _restored(self, taken: Given, tile: int) -> Tensor:
        """float32 ``(N, *shape)``, on the CPU."""
        if self._fits(taken) and not tile:
            restored = restore(self.module, taken.values.to(self.device.kind), batch=BATCH).cpu()
            if not restored.isfinite().all():
                raise NonFiniteError("The network gave NaN or infinity. Train it anew, in float32.")
            return restored
        restorer = self._restorer(tile)
        return torch.stack([restorer(it.to(self.device.kind)).cpu() for it in taken.values])

    def _restorer(self, tile: int) -> Restorer:
        if not isinstance(tile, Integral) or 0 != tile < SMALLEST:
            raise InputError(f"A tile has a side of at least {SMALLEST} pixels, best k * 64, or 0; got {quote(tile)}.")
        return self._any_size if not tile else Restorer.of(self.module, self.header.shapes, tile)

    @cached_property
    def _any_size(self) -> Restorer:
        return Restorer.of(self.module, self.header.shapes)
