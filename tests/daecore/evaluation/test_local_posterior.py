"""The baseline that knows patches: what it restores, for whom it is, and that it can be kept."""

import time

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from daecore import Corrupted, Corruptor, Samples, Splits
from daecore.corruption.pairs import draw_pairs, enlarge
from daecore.data.samples import Pairs, as_float
from daecore.errors import StoreError
from daecore.evaluation.baselines import Baselines, measure
from daecore.evaluation.linear import fit_linear
from daecore.evaluation.local_posterior import explained_by_the_mean, unfit_for_local_posterior
from daecore.evaluation.local_posterior_fit import fit_local_posterior
from daecore.plugin.spec import spec
from daecore.rng import stream
from daecore.stats.metrics import psnr

SHAPE = (1, 8, 8)


class Stranger(Corruptor):
    """A corruption of which only its draws are known: the picture is upside down, a third of its pixels white."""

    def __call__(self, clean: Tensor, generator: torch.Generator) -> Corrupted:
        white = torch.rand(clean.shape, generator=generator) < 1 / 3
        return Corrupted(clean.flip(2).masked_fill(white, 1.0))

    @property
    def digest(self) -> str:
        return "a stranger's"


def corruptor(**chain: dict[str, float]) -> Corruptor:
    return Corruptor([spec("corruption", {name: options}) for name, options in chain.items()])


def db(restored: Tensor, pairs: Pairs) -> Tensor:
    return psnr(restored, as_float(pairs.clean.data))


@pytest.fixture(scope="module")
def splits() -> Splits:
    images = torch.from_numpy(load_digits().images / 16 * 255).to(torch.uint8)[:, None]
    return Splits(Samples(images[:1000]), Samples(images[1000:1100]), (Samples(images[1100:1400]),))


@pytest.fixture(scope="module")
def noisy(splits: Splits) -> Baselines:
    return measure(splits, corruptor(gaussian_noise={"sigma": 0.5}))


@pytest.mark.parametrize(
    "chain",
    [
        {"gaussian_noise": {"sigma": 0.5}},
        {"gaussian_noise": {"sigma": 0.5, "clip": True}},
        {"erasure": {"p": 0.5}},
        {"erasure": {"p": 0.5, "fill": 0.5}},
        {"salt_pepper": {}},
        {"impulse": {}},
        {"speckle": {}},
        {"shot_noise": {}},
    ],
    ids=" ".join,
)
def test_it_beats_the_linear_map_for_certain_on_noisy_digits(
    splits: Splits, chain: dict[str, dict[str, float]]
) -> None:
    """Of each corruption it was told nothing but draws; the interval of the paired gain holds no zero."""
    chosen = corruptor(**chain)
    validation, test = (draw_pairs(part, chosen) for part in (splits.validation, splits.test[0]))
    local, (linear, _) = (fit(splits.train, validation, chosen) for fit in (fit_local_posterior, fit_linear))
    lead = db(local(test.corrupted, SHAPE), test) - db(linear(test.corrupted, SHAPE), test)
    assert lead.mean() > 2 * lead.std() / len(lead) ** 0.5


def test_a_strangers_corruption_is_restored_from_its_draws_alone(splits: Splits) -> None:
    """No pixel is at its place, and still it comes near: pictures are compared with the corrupted ones' mean."""
    validation, test = (draw_pairs(part, Stranger()) for part in (splits.validation, splits.test[0]))
    restored = fit_local_posterior(splits.train, validation, Stranger())(test.corrupted, SHAPE)
    mean = as_float(splits.train.data).mean(0).expand(len(test), *SHAPE)
    assert db(restored, test).mean() > db(mean, test).mean() + 2
    assert db(restored, test).mean() > db(test.corrupted, test).mean() + 5


def test_smaller_pictures_are_enlarged_first(splits: Splits) -> None:
    chosen = corruptor(downscale={"factor": 2})
    validation, test = (draw_pairs(part, chosen) for part in (splits.validation, splits.test[0]))
    restored = fit_local_posterior(splits.train, validation, chosen)(test.corrupted, SHAPE)
    assert db(restored, test).mean() > db(enlarge(test.corrupted, SHAPE), test).mean()


def test_the_same_pictures_give_the_same_one(splits: Splits) -> None:
    """To the last bit: window, tables and pictures."""
    validation = draw_pairs(splits.validation, Stranger())
    once, again = (fit_local_posterior(splits.train, validation, Stranger()).to_arrays() for _ in range(2))
    assert all(np.array_equal(once[name], again[name]) for name in once)


def test_saved_and_loaded_it_restores_the_same(noisy: Baselines, tmp_path) -> None:
    noisy.save(tmp_path / "baselines.npz")
    again = Baselines.load(tmp_path / "baselines.npz")
    x = torch.rand((5, *SHAPE), generator=stream(0, "x"))
    assert torch.equal(*(it.restore("local_posterior", x, SHAPE) for it in (noisy, again)))
    assert again["local_posterior"].strength == noisy.local_posterior.window


@pytest.mark.parametrize(
    "changes",
    [
        {"window": np.array(4)},
        {"window": np.zeros(2, np.int64)},
        {"seen": np.full((97, 4), np.nan, np.float32)},
        {"shown": np.zeros((33, 5), np.float32)},
        {"shown": np.zeros((3, 4), np.float32)},
        {"references": np.zeros((2, 1, 8, 8), np.uint8)},
        {"originals": np.zeros((1000, 1, 8, 8))},
        {"bins": np.array([0.0])},
        {"bins": np.array([0.0, 0.0])},
    ],
    ids=lambda changes: " ".join(f"{name} {array.shape}" for name, array in changes.items()),
)
def test_a_file_of_other_things_says_what_to_do(noisy: Baselines, tmp_path, changes) -> None:
    noisy.save(tmp_path / "baselines.npz")
    with np.load(tmp_path / "baselines.npz") as found:
        np.savez(tmp_path / "other.npz", **dict(found) | {f"local_posterior:{key}": it for key, it in changes.items()})
    with pytest.raises(StoreError, match="Remove it"):
        Baselines.load(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (torch.rand(9, 2), "for pictures, and samples have the shape (2,)"),
        (torch.rand(9, 3, 8, 8), "grey pictures, and these have 3 channels"),
        (torch.rand(9, 1, 8, 33), "at most 32 x 32 pixels, and these have 8 x 33"),
        (torch.rand((500, 1, 8, 8), generator=stream(0, "flat")), "of their variance, and that of these explains 0.1%"),
    ],
    ids=["points", "colour", "large", "not centred"],
)
def test_where_patches_say_little_the_reason_is_told(data: Tensor, reason: str) -> None:
    assert reason in unfit_for_local_posterior(Samples(data))


def test_points_name_why_it_is_skipped() -> None:
    x = torch.randn(600, 2, generator=stream(0, "points"))
    points = Splits(Samples(x[:400]), Samples(x[400:500]), (Samples(x[500:]),))
    assert "for pictures" in measure(points, corruptor(gaussian_noise={"sigma": 0.2})).skipped["local_posterior"]


def test_the_mean_explains_all_of_equal_pictures_and_nothing_of_noise() -> None:
    one = torch.rand((1, 1, 8, 8), generator=stream(0, "one"))
    assert explained_by_the_mean(one.expand(50, -1, -1, -1)) == pytest.approx(1)
    assert explained_by_the_mean(torch.full((50, 1, 8, 8), 0.3)) == 1
    noise = torch.rand((1000, 1, 8, 8), generator=stream(0, "noise"))
    assert explained_by_the_mean(noise) == pytest.approx(1 / 1000, rel=0.5)


def test_it_is_measured_within_seconds(splits: Splits) -> None:
    """On 8 x 8 digits well under one; here only that it did not become a hundred times slower."""
    chosen = corruptor(gaussian_noise={"sigma": 0.5})
    validation, test = (draw_pairs(part, chosen) for part in (splits.validation, splits.test[0]))
    begin = time.process_time()
    fit_local_posterior(splits.train, validation, chosen)(test.corrupted, SHAPE)
    assert time.process_time() - begin < 30
