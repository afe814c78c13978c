"""Realism: real pictures pass, copies and blurs do not; every number against somebody else's or a closed form."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from daecore.data.batch_source import BatchSource, Held
from daecore.data.samples import Samples, Splits, as_float
from daecore.errors import InputError
from daecore.evaluation.feature_sets import frechet_distance, nearest_distance, precision_and_recall
from daecore.evaluation.realism import NAMES, measure_realism
from daecore.evaluation.recogniser import train_recogniser
from daecore.evaluation.sampling import SamplingMeasure
from daecore.plugin.spec import spec
from daecore.rng import stream

QUESTIONS, DRAWS = 140, 3


@pytest.fixture(scope="module")
def splits() -> Splits:
    """Real digits of 8 x 8, dealt anew: 700 to train on, 560 to test, and 500 that nobody is shown."""
    chosen = spec("dataset", "digits")
    whole: Splits = chosen.extension.function(chosen.options, cache=Path())
    parts = [whole.train, whole.validation, *whole.test]
    order = torch.randperm(sum(map(len, parts)), generator=stream(0, "deal"))
    data = torch.cat([it.data for it in parts])[order]
    labels = torch.cat([it.labels for it in parts if it.labels is not None])[order]
    train, test, rest = (Samples(data[a:b], labels[a:b]) for a, b in ((0, 700), (700, 1260), (1260, 1760)))
    return Splits(train, rest, (test,), 10)


def measured(splits: Splits, samples: Tensor) -> dict[str, SamplingMeasure]:
    return measure_realism(samples, as_float(splits.test[0].data[:QUESTIONS]), splits)


@pytest.fixture(scope="module")
def real(splits: Splits) -> dict[str, SamplingMeasure]:
    """Other real digits in the samples' place."""
    fresh = as_float(splits.validation.data[: QUESTIONS * DRAWS])
    return measured(splits, fresh.unflatten(0, (DRAWS, QUESTIONS)))


def test_of_large_sets_a_part_is_read(splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of training pictures; the network that tells labels learns from so many, too."""
    monkeypatch.setattr("daecore.evaluation.realism.TRAINED", 200)
    monkeypatch.setattr("daecore.evaluation.realism.train_recogniser", partial(train_recogniser, pictures=300))
    read: set[int] = set()

    class Told(Held):
        def read(self, index: Tensor) -> Tensor:
            read.update(index.tolist())
            return super().read(index)

        def select(self, index: Tensor) -> BatchSource:
            return BatchSource.select(self, index)

    told = replace(splits, train=Samples(Told(splits.train.data), splits.train.labels))
    measured(told, as_float(splits.validation.data[: QUESTIONS * DRAWS]).unflatten(0, (DRAWS, QUESTIONS)))
    assert 300 <= len(read) <= 500


def test_real_pictures_pass_for_real(real: dict[str, SamplingMeasure]) -> None:
    """No measure fails, and telling them apart is guessing within its interval."""
    assert [key for key, it in real.items() if it.verdict == "failed"] == []
    told_apart = real["two_sample"].value
    assert told_apart is not None
    assert told_apart.low < 0.55


def test_every_measure_has_its_floor(real: dict[str, SamplingMeasure]) -> None:
    assert set(real) == set(NAMES)
    assert [key for key, it in real.items() if it.floor is None or not it.floor_is] == []


def test_labels_are_told_without_a_verdict(real: dict[str, SamplingMeasure]) -> None:
    """The means were the originals themselves; other digits keep a label by chance."""
    assert real["label_kept_mean"].value == real["label_kept_mean"].floor
    kept = real["label_kept_sample"]
    assert kept.verdict == "told"
    assert kept.value is not None
    assert kept.value.mean < 0.2


def test_copies_of_the_training_set_are_found(splits: Splits) -> None:
    """They look real in every way, and are nearer to the training set than to the test set."""
    copies = as_float(splits.train.data[: QUESTIONS * DRAWS]).unflatten(0, (DRAWS, QUESTIONS))
    found = measured(splits, copies)
    assert found["nearest"].verdict == "failed"
    assert found["precision"].verdict != "failed"


def test_blurred_pictures_are_found(splits: Splits) -> None:
    """Means in place of samples look like nothing that is real."""
    blurred = F.avg_pool2d(as_float(splits.validation.data[: QUESTIONS * DRAWS]), 3, 1, 1)
    found = measured(splits, blurred.unflatten(0, (DRAWS, QUESTIONS)))
    assert {found[key].verdict for key in ("frechet", "recall", "two_sample")} == {"failed"}


def test_which_pictures_were_asked_about_does_not_matter(splits: Splits) -> None:
    """Of a few classes alone, other pictures of these classes pass; training pictures of all classes look better."""
    group, fresh = splits.test[0], splits.validation
    index, found = ((torch.as_tensor(it.labels) < 5).nonzero().flatten()[:QUESTIONS] for it in (group, fresh))
    samples = as_float(fresh.data[found])[None]
    frechet = measure_realism(samples, as_float(group.data[index]), splits, index)["frechet"]
    assert frechet.value is not None
    assert frechet.floor is not None
    assert frechet.value.mean == pytest.approx(1, abs=0.2)
    assert frechet.floor.mean < 0.8


def test_what_cannot_be_recognised_says_why(splits: Splits) -> None:
    samples = torch.zeros(2, 10, 1, 8, 8)
    few = measure_realism(samples, samples[0], splits)
    assert {it.reason for it in few.values()} == {
        "it takes at least 100 pictures and as many other test pictures; there are 10 and 550"
    }
    group = Samples(splits.test[0].data)
    unlabelled = replace(splits, test=(group,), classes=None)
    assert measure_realism(samples, samples[0], unlabelled)["frechet"].reason == "the pictures have no labels"
    points = Splits(Samples(torch.zeros(9, 2)), Samples(torch.zeros(9, 2)), (Samples(torch.zeros(9, 2)),))
    found = measure_realism(torch.zeros(2, 3, 2), torch.zeros(3, 2), points)
    assert {it.verdict for it in found.values()} == {"not measured"}
    assert found["nearest"].reason == "only grey pictures are recognised"


def test_another_number_of_pictures_is_refused(splits: Splits) -> None:
    with pytest.raises(InputError, match="each of the 10 pictures that samples were drawn for, but got 3 and 10"):
        measure_realism(torch.zeros(2, 10, 1, 8, 8), torch.zeros(10, 1, 8, 8), splits, torch.arange(3))


def test_a_recogniser_is_the_same_from_the_same_seed(splits: Splits) -> None:
    """And leaves torch's own generator alone."""
    few = splits.train.select(torch.arange(200))
    before = torch.random.get_rng_state()
    one, two, other = (train_recogniser(few, 10, seed=seed, pictures=400) for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one.layer.weight, two.layer.weight)
    assert not torch.equal(one.layer.weight, other.layer.weight)


def test_the_frechet_distance_is_scipys() -> None:
    """With scipy's root of the product, which need not be symmetric."""
    import numpy as np
    from scipy.linalg import sqrtm

    generator = stream(0, "frechet")
    one, two = torch.randn(300, 6, generator=generator), torch.randn(200, 6, generator=generator) * 1.5 + 0.3
    means, covariances = zip(*((it.mean(0).numpy(), np.cov(it.numpy().T)) for it in (one, two)), strict=True)
    middle = sqrtm(covariances[0] @ covariances[1]).real
    known = np.square(means[0] - means[1]).sum() + np.trace(covariances[0] + covariances[1] - 2 * middle)
    assert frechet_distance(one, two) == pytest.approx(float(known), rel=1e-4)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_neighbourhoods_are_scikit_learns() -> None:
    """Precision and recall by the k-th nearest other point, as scikit-learn finds it."""
    from sklearn.neighbors import NearestNeighbors

    generator = stream(0, "neighbours")
    real, drawn = torch.randn(120, 4, generator=generator), 0.5 * torch.randn(80, 4, generator=generator)

    def inside(points: Tensor, among: Tensor) -> float:
        reach = NearestNeighbors(n_neighbors=4).fit(among.numpy()).kneighbors(among.numpy())[0][:, 3]
        distances = (points[:, None] - among).double().square().sum(2).sqrt().numpy()
        return float((distances <= reach).any(1).mean())

    assert precision_and_recall(real, drawn) == pytest.approx((inside(drawn, real), inside(real, drawn)))


def test_the_nearest_distance_is_the_smallest_one() -> None:
    known = torch.randint(0, 256, (7000, 1, 3, 3), generator=stream(0, "known"), dtype=torch.uint8)
    points = torch.rand(20, 1, 3, 3, generator=stream(0, "points"))
    exact = torch.cdist(points.flatten(1).double(), as_float(known).flatten(1).double()).amin(1)
    assert torch.allclose(nearest_distance(points, known).double(), exact, atol=1e-3)
