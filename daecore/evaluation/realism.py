"""Realism: whether samples look like pictures of the test set, without being copies of the training set.

Everything is said by small classifiers that are trained for it, and stands beside what real pictures give. Knows grey
labelled pictures. Does not know the network.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from daecore.data.samples import Samples, Splits, as_float, as_uint8
from daecore.errors import InputError
from daecore.evaluation.feature_sets import frechet_distance, nearest_distance, precision_and_recall
from daecore.evaluation.recogniser import Recogniser, train_recogniser
from daecore.evaluation.sampling import SamplingMeasure
from daecore.evaluation.two_sample import two_sample_accuracy
from daecore.rng import stream
from daecore.stats.intervals import Interval, bootstrap, student
from daecore.stats.ratio import Ratio

FRECHET, INSIDE, COPIED, TOLD_APART = 1.2, 0.9, 0.95, 0.55  # ends of the bands
FEWEST = 100  # pictures, and as many other test pictures
LEAST = 1e-3  # of a distance or a share: what is divided by is not zero
REAL = 4000  # other test pictures from which drawn ones are told, at most
OTHERS, TRAINED = 20_000, 60_000  # other test pictures, and training pictures, that are looked at, at most

NAMES = {
    "label_kept_mean": "the mean keeps the label",
    "label_kept_sample": "a sample keeps the label",
    "confidence_mean": "confidence in the mean's label",
    "confidence_sample": "confidence in a sample's label",
    "frechet": "Frechet distance over that of the originals",
    "precision": "precision over that of the originals",
    "recall": "recall over that of the originals",
    "nearest": "nearest training picture over nearest test picture",
    "two_sample": "samples told from real pictures",
}
TRAINING, ORIGINALS = "training pictures", "the originals"


@dataclass(frozen=True)
class _Pictures:
    """What is compared, all as stored: a value between two steps of a 255th would tell a drawn picture from a real one.

    Attributes:
        truth: The N test pictures that were corrupted, with labels.
        others: The other test pictures, in random order.
        train: The training pictures, in random order.
        samples: uint8 ``(K, N, 1, H, W)``.
        mean: uint8 ``(N, 1, H, W)``.
    """

    truth: Samples
    others: Tensor
    train: Tensor
    samples: Tensor
    mean: Tensor


def measure_realism(
    samples: Tensor, mean: Tensor, splits: Splits, index: Tensor | None = None, *, seed: int = 0
) -> dict[str, SamplingMeasure]:
    """How real samples look, each measure beside what real pictures give.

    Args:
        samples: float32 ``(K, N, 1, H, W)``, for N corrupted pictures of the first test group.
        mean: float32 ``(N, 1, H, W)``, what the network answers at t = 0.
        splits: The dataset, with labels.
        index: int64 ``(N,)``, which test pictures they were; None: the first N.
        seed: Names the streams of the classifiers and of all choices.

    Returns:
        Measures by their short names. Where they cannot be measured each says why.

    Raises:
        InputError: There is not one index for each picture.
    """
    group = splits.test[0]
    index = torch.arange(samples.shape[1]) if index is None else index
    if len(index) != samples.shape[1] or len(mean) != samples.shape[1]:
        raise InputError(
            f"Realism needs one test picture and one mean for each of the {samples.shape[1]} pictures that samples "
            f"were drawn for, but got {len(index)} and {len(mean)}."
        )
    reason = _obstacle(splits, len(index))
    if reason:
        return {key: SamplingMeasure(name=name, reason=reason) for key, name in NAMES.items()}
    pictures = _pictures(samples, mean, splits, index.to(group.device), seed)
    recogniser = train_recogniser(splits.train, splits.classes or 0, seed=seed)
    return {
        **_labels(pictures, recogniser, seed),
        **_as_sets(pictures, recogniser),
        "nearest": _nearest(pictures, seed),
        "two_sample": _two_sample(pictures, seed),
    }


def _obstacle(splits: Splits, count: int) -> str:
    shape, left = splits.test[0].shape, len(splits.test[0]) - count
    if len(shape) != 3 or shape[0] != 1:
        return "only grey pictures are recognised"
    if not splits.classes or splits.train.labels is None or splits.test[0].labels is None:
        return "the pictures have no labels"
    if splits.train.shape != shape:
        return "training and test pictures differ in size"
    if count < FEWEST or left < count:
        return f"it takes at least {FEWEST} pictures and as many other test pictures; there are {count} and {left}"
    return ""


def _pictures(samples: Tensor, mean: Tensor, splits: Splits, index: Tensor, seed: int) -> _Pictures:
    group = splits.test[0]
    rest = torch.ones(len(group), dtype=torch.bool)
    rest[index.cpu()] = False
    others = _some(group, rest.nonzero().flatten(), OTHERS, stream(seed, "realism", "others"))
    train = _some(splits.train, torch.arange(len(splits.train)), TRAINED, stream(seed, "realism", "training"))
    stored = (as_uint8(it.to(group.device)) for it in (samples, mean))
    return _Pictures(group.select(index), as_uint8(others), as_uint8(train), *stored)


def _some(samples: Samples, index: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Samples at these positions in a random order, at most so many; the others are not read."""
    chosen = index[torch.randperm(len(index), generator=generator)[:most]]
    return samples.read(chosen.to(samples.source.home))


def _labels(pictures: _Pictures, recogniser: Recogniser, seed: int) -> Mapping[str, SamplingMeasure]:
    """What an independent classifier makes of originals, means and samples; no number is right here."""
    shown = {"truth": pictures.truth.data, "mean": pictures.mean, "sample": pictures.samples.flatten(0, 1)}
    found, labels = {}, _labels_of(pictures.truth)
    for what, data in shown.items():
        probabilities = recogniser.recognise(data)[1].view(-1, len(pictures.mean), recogniser.layer.out_features)
        kept = torch.eq(probabilities.argmax(2), labels)  # (1 or K, N)
        for name, values in (("label_kept", kept.double()), ("confidence", probabilities.amax(2))):
            found[f"{name}_{what}"] = bootstrap(values.mean(0), generator=stream(seed, "realism", name, what))
    return {
        key: SamplingMeasure(name=NAMES[key], value=found[key], floor=found[f"{name}_truth"], floor_is=ORIGINALS)
        for name in ("label_kept", "confidence")
        for key in (f"{name}_mean", f"{name}_sample")
    }


def _labels_of(samples: Samples) -> Tensor:
    if samples.labels is None:
        raise InputError("Labels are kept or not where there are some, but these pictures have none.")
    return samples.labels


def _as_sets(pictures: _Pictures, recogniser: Recogniser) -> Mapping[str, SamplingMeasure]:
    """Sets of samples against sets of other test pictures, over what the originals are against the same ones.

    Samples of an exact posterior could change places with their originals and nobody would know: their ratio is 1,
    however easy or hard the pictures are that were asked about. Other real pictures, as those of the training set, may
    be easier or harder; they are the floor.
    """
    count, rows = len(pictures.mean), []
    sets = max(1, min(len(pictures.samples), len(pictures.train) // count))
    originals = recogniser.recognise(pictures.truth.data)[0]
    for draw in range(sets):
        block = draw % (len(pictures.others) // count)
        shown = (pictures.others[block * count :], pictures.samples[draw], pictures.train[draw * count :])
        test, drawn, train = (recogniser.recognise(it[:count])[0] for it in shown)
        rows.append([(frechet_distance(some, test), *precision_and_recall(test, some))
                     for some in (drawn, originals, train)])  # fmt: skip
    drawn, own, train = torch.tensor(rows, dtype=torch.float64).unbind(1)  # (sets, 3) each
    bands: Mapping[str, dict[str, float]] = {
        "frechet": {"high": FRECHET},
        "precision": {"low": INSIDE},
        "recall": {"low": INSIDE},
    }
    return {
        key: SamplingMeasure(name=NAMES[key], ideal=1.0, value=_over(drawn[:, i], own[:, i]),
                             floor=_over(train[:, i], own[:, i]), floor_is=TRAINING, **band)
        for i, (key, band) in enumerate(bands.items())
    }  # fmt: skip


def _over(above: Tensor, below: Tensor) -> Interval:
    """The geometric mean of ratios, one for each set ``(sets,)``, with Student's interval of the logarithms.

    Where both could change places the logarithm's expectation is zero. A single set has no interval.
    """
    logs = (above.clamp_min(LEAST) / below.clamp_min(LEAST)).log()
    if len(logs) == 1:
        return Interval(mean=logs.exp().item(), low=logs.exp().item(), high=logs.exp().item(), n=1)
    found = student(logs)
    return Interval(mean=math.exp(found.mean), low=math.exp(found.low), high=math.exp(found.high), n=found.n)


def _nearest(pictures: _Pictures, seed: int) -> SamplingMeasure:
    """Of pixels: below 1 samples are nearer to what was trained on than to what was not, in sets of one size."""
    size = min(len(pictures.others), len(pictures.train))
    parts = pictures.train[: len(pictures.train) // size * size].split(size)

    def ratio(shown: Tensor, name: str) -> Interval:
        points = as_float(shown)
        train = torch.stack([nearest_distance(points, part) for part in parts]).mean(0)
        return Ratio(train, nearest_distance(points, pictures.others[:size])).interval(stream(seed, "realism", name))

    return SamplingMeasure(
        name=NAMES["nearest"], value=ratio(pictures.samples[0], "nearest"), ideal=1.0, low=COPIED,
        floor=ratio(pictures.truth.data, "nearest truth"), floor_is=ORIGINALS,
    )  # fmt: skip


def _two_sample(pictures: _Pictures, seed: int) -> SamplingMeasure:
    """Drawn pictures against other test pictures; training pictures in their place are the floor."""
    draws, count = pictures.samples.shape[:2]
    sets = max(1, min(draws, len(pictures.train) // count))
    instead = pictures.train[: sets * count].unflatten(0, (sets, -1))
    value, floor = (
        two_sample_accuracy(pictures.others[:REAL], drawn, seed=seed, name=name)
        for drawn, name in ((pictures.samples, "two samples"), (instead, "two samples, floor"))
    )
    return SamplingMeasure(
        name=NAMES["two_sample"], value=value, ideal=0.5, high=TOLD_APART, floor=floor, floor_is=TRAINING
    )
