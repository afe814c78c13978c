import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression

from daecore import Corrupted, Corruptor, InputError, Samples, Splits
from daecore.corruption.pairs import draw_pairs, evaluation_digest
from daecore.data.samples import as_float
from daecore.errors import StoreError
from daecore.evaluation.baselines import Baselines, measure
from daecore.evaluation.linear import fit_linear, measure_moments, solve
from daecore.plugin.spec import spec
from daecore.stats.metrics import psnr


class Hand(Corruptor):
    """A corruption made of a function, so that no plugin is needed."""

    def __init__(self, function, name="hand"):
        super().__init__()
        self.function, self.name = function, name

    def __call__(self, clean, generator):
        return Corrupted(self.function(clean, generator))

    @property
    def digest(self):
        return self.name


def noisy(x, generator):
    return x + 0.2 * torch.randn(x.shape, generator=generator)


def halved(x, generator):
    return torch.nn.functional.avg_pool2d(x, 2)


@pytest.fixture(scope="module")
def splits():
    images = torch.from_numpy(load_digits().images / 16 * 255).to(torch.uint8)[:, None]
    return Splits(Samples(images[:1000]), Samples(images[1000:1100]), (Samples(images[1100:1400]),))


@pytest.fixture(scope="module")
def baselines(splits):
    return measure(splits, Hand(noisy))


def test_all_ten_are_evaluated_and_the_local_posterior_wins_on_noisy_digits(baselines):
    names = {baseline.name for baseline in baselines.baselines}
    assert names == {"identity", "bilinear", "median", "gaussian", "wavelet", "tv", "nlm", "mean_image", "linear"} | {
        "local_posterior"
    }
    assert baselines.best.name == "local_posterior"
    assert baselines.mean_db("linear") > baselines.mean_db("identity") + 2


def test_identity_is_the_corrupted_image_itself(splits, baselines):
    pairs = draw_pairs(splits.test[0], Hand(noisy))
    mean = psnr(pairs.corrupted, as_float(pairs.clean.data)).mean().item()
    assert baselines.mean_db("identity") == pytest.approx(mean, abs=1e-4)


def test_what_is_restored_for_a_panel_is_what_was_evaluated(splits, baselines):
    pairs = draw_pairs(splits.test[0], Hand(noisy))
    for baseline in baselines.baselines:
        some = torch.from_numpy(baseline.index[:5])
        restored = baselines.restore(baseline.name, pairs.corrupted[some], pairs.clean.shape)
        ours = psnr(restored, as_float(pairs.clean.data[some]))
        assert ours.tolist() == pytest.approx(baseline.psnr_db[:5].tolist(), abs=1e-3), baseline.name


def test_saved_and_loaded_they_are_the_same(tmp_path, baselines):
    baselines.save(tmp_path / "baselines.npz")
    again = Baselines.load(tmp_path / "baselines.npz")
    assert (again.digest, again.best.name, dict(again.skipped)) == (baselines.digest, "local_posterior", {})
    for ours, theirs in zip(baselines.baselines, again.baselines, strict=True):
        assert np.array_equal(ours.index, theirs.index)
        assert np.array_equal(ours.mse, theirs.mse)
        assert ours.strength == theirs.strength
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(baselines.restore("linear", x, (1, 8, 8)), again.restore("linear", x, (1, 8, 8)))


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "baselines.npz").write_bytes(b"not an archive")
    with pytest.raises(StoreError, match="Remove it"):
        Baselines.load(tmp_path / "baselines.npz")


@pytest.mark.parametrize(
    "changes",
    [
        {"header": np.array("[1]")},
        {"header": np.array("[" * 5000)},
        {"header": np.array('{"digest": 5, "skipped": {}, "baselines": []}')},
        {"tv.index": np.zeros(3)},
        {"tv.mse": np.zeros((2, 2), np.float32)},
        {"weight": np.full((64, 64), np.nan, np.float32)},
    ],
)
def test_a_file_of_other_things_says_what_to_do(baselines, tmp_path, changes):
    """One line about it, whatever stands in it."""
    baselines.save(tmp_path / "baselines.npz")
    with np.load(tmp_path / "baselines.npz") as found:
        np.savez(tmp_path / "other.npz", **(dict(found) | changes))
    with pytest.raises(StoreError, match="Remove it") as told:
        Baselines.load(tmp_path / "other.npz")
    assert "\n" not in str(told.value)


def test_shrunk_images_are_enlarged_bilinearly(splits):
    baselines = measure(splits, Hand(halved))
    assert baselines["bilinear"].strength == 1
    assert baselines.mean_db("bilinear") == baselines.mean_db("identity")
    assert baselines.baselines[0].name == "bilinear"
    assert baselines.mean_db("linear") > baselines.mean_db("identity")


def test_points_have_identity_and_linear_and_no_decibels():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(600, 1, generator=generator)
    points = Samples(torch.cat([x, 2 * x], 1))
    splits = Splits(points.select(torch.arange(400)), points.select(torch.arange(400, 500)), (points,))
    baselines = measure(splits, Hand(noisy))
    assert [baseline.name for baseline in baselines.baselines] == ["identity", "linear"]
    assert baselines.best.name == "linear"
    assert baselines["identity"].psnr_db.size == 0
    assert baselines["identity"].mse.mean() == pytest.approx(0.04, rel=0.1)


def test_test_images_of_other_shapes_have_no_learned_baseline(splits):
    groups = (splits.test[0], Samples(splits.test[0].data.repeat(1, 1, 2, 1)))
    baselines = measure(Splits(splits.train, splits.validation, groups), Hand(noisy))
    assert len(baselines["median"].index) == 600
    assert set(baselines.skipped) == {"linear", "local_posterior", "mean_image"}
    with pytest.raises(InputError, match=r"skipped: training samples are \(1, 8, 8\)"):
        baselines["linear"]


def test_tiny_images_name_why_methods_are_skipped(splits):
    tiny = Splits(
        *(Samples(part.data[..., :4]) for part in (splits.train, splits.validation)),
        (Samples(splits.test[0].data[..., :4]),),
    )
    baselines = measure(tiny, Hand(noisy))
    assert "side of 4 pixels" in baselines.skipped["median"]
    assert "linear" in baselines


def test_without_a_ridge_the_linear_map_is_that_of_least_squares(splits):
    keep = {}

    def recorded(x, generator):
        keep["x"] = noisy(x, generator)
        return keep["x"]

    fitted = solve(measure_moments(splits.train, Hand(recorded)), 1e-9)
    clean = as_float(splits.train.data).flatten(1)
    theirs = LinearRegression().fit(keep["x"].flatten(1).double().numpy(), clean.numpy())
    assert np.allclose(fitted.weight.T.numpy(), theirs.coef_, atol=1e-3)


def test_the_linear_map_survives_a_blur_that_leaves_no_variance(splits):
    """Strong blurs make covariances that rounding turns indefinite; the map is still found, and better than none."""
    corruptor = Corruptor([spec("corruption", {"blur": {"sigma": 4}})])
    validation = draw_pairs(splits.validation, corruptor)
    fitted, _ = fit_linear(splits.train, validation, corruptor)
    clean = as_float(validation.clean.data)
    restored = fitted(validation.corrupted, splits.train.shape)
    assert torch.isfinite(restored).all()
    assert (restored - clean).square().mean() < (validation.corrupted - clean).square().mean()


def test_the_pairs_are_the_same_each_time_and_named_by_their_digests(splits):
    first, again, other = (draw_pairs(splits.test[0], Hand(noisy, name)) for name in ("a", "a", "b"))
    assert torch.equal(first.corrupted, again.corrupted)
    assert not torch.equal(first.corrupted, other.corrupted)
    assert evaluation_digest([first]) == evaluation_digest([again]) != evaluation_digest([other])


def test_other_noise_under_the_same_name_has_another_digest(splits):
    """A corruption whose code has changed draws other pairs from the same options: they must not be paired."""
    before, after = (draw_pairs(splits.test[0], Hand(made, "a")) for made in (noisy, lambda x, generator: x))
    assert evaluation_digest([before]) != evaluation_digest([after])


def test_the_first_pairs_are_the_first_of_all(splits):
    """Few images to look at carry the very noise they are evaluated with."""
    few, every = (draw_pairs(splits.test[0], Hand(noisy), first) for first in (3, None))
    assert torch.equal(few.corrupted, every.corrupted[:3])
    assert torch.equal(few.clean.data, every.clean.data[:3])


def test_equal_baselines_are_equal_files(splits, tmp_path):
    """What two processes measure of the same pairs is one file, byte by byte."""
    for name in ("one", "two"):
        measure(splits, Hand(noisy)).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
