"""The support vector machine: scikit-learn's own answers, only sooner; chosen by validation, tested once."""

import pytest
import torch
from daecore_plugins.datasets import digits
from scipy import stats
from sklearn.svm import SVC

from daecore.data.samples import Samples, Splits
from daecore.errors import InputError
from daecore.rng import stream
from daecore.stats.intervals import wilson
from daecore.transfer.svm import Svm, SvmOptions, choose_svm, squared_distances


@pytest.fixture(scope="module")
def splits() -> Splits:
    return digits.digits(digits.Digits(), cache=None)


def plain(samples: Samples, penalty: float, gamma: float) -> SVC:
    return SVC(C=penalty, gamma=gamma).fit(samples.data.flatten(1).numpy() / 255, samples.labels.numpy())


def answers(machine: SVC, samples: Samples) -> list[int]:
    return machine.predict(samples.data.flatten(1).numpy() / 255).tolist()


@pytest.mark.parametrize(("penalty", "gamma"), [(0.1, 0.01), (3.0, 0.1), (100.0, 1.0)])
def test_it_answers_as_scikit_learn_does(splits: Splits, penalty: float, gamma: float) -> None:
    """Ten classes, one against one: the same support vectors, the same class for every digit, errors included."""
    machine, reference = Svm(splits.train, penalty, gamma), plain(splits.train, penalty, gamma)
    assert machine.predict(splits.test[0]).tolist() == answers(reference, splits.test[0])
    assert machine.support_vectors == pytest.approx(len(reference.support_), abs=2)  # float32 at the margin's edge


def test_two_classes_answer_as_scikit_learn_does(splits: Splits) -> None:
    """With two classes libsvm turns its signs round."""
    odd = Samples(splits.train.data[:200], splits.train.labels[:200] % 2)
    assert Svm(odd, 1, 0.05).predict(splits.test[0]).tolist() == answers(plain(odd, 1, 0.05), splits.test[0])


def test_distances_are_those_between_all_pairs() -> None:
    """Against PyTorch's, taken difference by difference in float64; none is negative."""
    points = torch.rand(30, 784, generator=stream(0, "test"))
    others = torch.cat([points[:5], torch.rand(20, 784, generator=stream(1, "test"))])
    found = squared_distances(points, others)
    expected = torch.cdist(points.double(), others.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    torch.testing.assert_close(found.double(), expected, atol=2e-4, rtol=1e-5)
    assert found.min() >= 0


def test_validation_chooses_and_the_test_set_scores(splits: Splits) -> None:
    """The reported pair is the best of all on the validation digits, and the error that of a plain machine with it."""
    small = Splits(splits.train.select(torch.arange(300)), splits.validation, splits.test, classes=10)
    options = SvmOptions(penalties=(0.01, 10.0), gammas=(0.001, 0.1, 10.0), first=0)
    report = choose_svm(small, options)
    errors = {
        (penalty, gamma): sum(
            found != true
            for found, true in zip(
                answers(plain(small.train, penalty, gamma), small.validation),
                small.validation.labels.tolist(),
                strict=True,
            )
        )
        / 2
        for penalty in options.penalties
        for gamma in options.gammas
    }
    assert (report.penalty, report.gamma) == min(errors, key=errors.__getitem__) == (10.0, 0.1)
    assert report.validation_error_percent == pytest.approx(errors[10.0, 0.1])
    both = Samples(*(torch.cat([getattr(small.train, it), getattr(small.validation, it)]) for it in ("data", "labels")))
    wrong = sum(
        found != true
        for found, true in zip(
            answers(plain(both, 10, 0.1), splits.test[0]), splits.test[0].labels.tolist(), strict=True
        )
    )
    assert report.error_percent == pytest.approx(100 * wrong / 300)
    assert (report.trained_on, report.tested_on, report.on_border) == (500, 300, True)


def test_a_few_samples_sift_the_pairs(splits: Splits) -> None:
    """With one finalist, the pair that is best after 150 digits learns from all of them."""
    options = SvmOptions(penalties=(0.01, 100.0), gammas=(0.01, 3.0), first=150, finalists=1)
    report = choose_svm(splits, options.model_copy(update={"with_validation": False}))
    first, true = splits.train.select(torch.arange(150)), splits.validation.labels.tolist()
    wrong = {
        (penalty, gamma): sum(
            one != other
            for one, other in zip(answers(plain(first, penalty, gamma), splits.validation), true, strict=True)
        )
        for penalty in options.penalties
        for gamma in options.gammas
    }
    assert (report.penalty, report.gamma) == min(wrong, key=wrong.__getitem__) == (100.0, 0.01)
    assert report.trained_on == len(splits.train)


def test_its_interval_is_wilsons() -> None:
    """Against SciPy's."""
    for wrong, count in ((0, 50), (7, 50), (1_500, 50_000), (50, 50)):
        expected = stats.binomtest(wrong, count).proportion_ci(0.95, method="wilson")
        assert wilson(wrong, count) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_samples_without_labels_are_refused(splits: Splits) -> None:
    """The message says what to do."""
    with pytest.raises(InputError, match=r"have no labels\. Choose a dataset with classes"):
        Svm(Samples(splits.train.data), 1, 1)
