"""What a network has learnt: the numbers of the study local."""

from pathlib import Path

import pytest
import torch
from daecore_plugins.studies.lecture import SERIES
from daecore_plugins.studies.lecture.local import explained, problems
from daecore_plugins.studies.lecture.local import report as local_report

from daecore.analysis import (
    CoveredThenNoised,
    ErasedThenNoised,
    GaussianNoised,
    GaussianPixels,
    exact_denoiser,
    local_posterior_mean,
)
from daecore.data.samples import Splits, as_float
from daecore.experiment.experiment import parse
from daecore.plugin.spec import spec
from daecore.rng import stream
from daecore.study import find_study
from daecore.testing import SmallLaboratory, check_findings

NOISE = {"gaussian_noise": {"sigma": 0.2}}


def digits_8x8() -> Splits:
    chosen = spec("dataset", "digits")
    return chosen.extension.function(chosen.options, cache=Path("unused"))


def test_all_of_an_answer_is_explained_by_itself_and_nothing_by_its_mean() -> None:
    """1 and 0 by definition; twice the answer's scatter off is minus one; against scikit-learn."""
    from sklearn.metrics import r2_score

    answers = torch.rand(5, 1, 6, 6, generator=stream(0, "answers"))
    means = answers.mean((1, 2, 3), keepdim=True).expand_as(answers)
    assert explained.measure_r2(answers, answers).tolist() == [1] * 5
    assert explained.measure_r2(answers, means) == pytest.approx(torch.zeros(5), abs=1e-6)
    other = torch.rand(5, 1, 6, 6, generator=stream(0, "other"))
    expected = [r2_score(one.flatten(), two.flatten()) for one, two in zip(answers, other, strict=True)]
    assert explained.measure_r2(answers, other).tolist() == pytest.approx(expected, rel=1e-4)


def test_the_last_window_holds_the_whole_picture() -> None:
    """With it the local posterior is the exact one, under Gaussian noise."""
    train = digits_8x8().train.data[:200]
    assert explained.windows((1, 8, 8)) == (3, 5, 7, 9, 11, 15)
    assert explained.windows((1, 28, 28))[-1] == 55
    noisy = as_float(train[:5]) + 0.3 * torch.randn(5, 1, 8, 8, generator=stream(0, "noise"))
    local = local_posterior_mean(noisy, train, GaussianPixels(0.3), window=15)
    torch.testing.assert_close(local, exact_denoiser(train, 0.3)(noisy), atol=1e-4, rtol=0)


def test_likelihoods_are_read_from_the_recipe() -> None:
    """Noise alone in closed form for pixels and pictures; after a square the pixels are counted."""
    noise = parse({"corruptions": [{"gaussian_noise": {"sigma": 0.7}}]})
    block, erased = (parse({"corruptions": [first, NOISE]}) for first in (
        {"block_mask": {"size": 4}}, {"erasure": {"p": 0.9}}))  # fmt: skip
    assert problems.likelihood_of(noise) == GaussianNoised(0.7)
    assert problems.likelihood_of(block) == CoveredThenNoised(4, 0.2)
    assert problems.likelihood_of(erased) == ErasedThenNoised(0.9, 0.2)
    originals = digits_8x8().train.data[:50]
    assert problems.pixels_of(noise, originals).likelihood == GaussianPixels(0.7)
    counted = problems.pixels_of(erased, originals)
    assert counted.references.shape == originals.shape
    black = counted.likelihood.corrupted_factors(torch.zeros(1, 1, 8, 8))
    nats = (black * counted.likelihood.original_factors(counted.references)).sum(1)
    assert nats[originals[:, 0] == 0].mean() > nats[originals[:, 0] == 255].mean()  # a black pixel speaks for black


def network_of(window: int, sigma: float, restored: torch.Tensor) -> explained.Explained:
    """One that answers exactly as the posterior through this window, but for a little of its own."""
    local = {it: 0.5 * restored[it] + 0.5 * restored[window] for it in restored}
    problem = problems.gaussian(sigma)
    few = restored[window]
    return explained.Explained(problem, few, few, few, local, few, few, window, window)


def test_that_the_window_grows_is_claimed_of_networks_that_are_so_and_of_no_others() -> None:
    """Each is explained by its own window: 3, 5, 7 grow, and 3, 5, 5 do not."""
    restored = {it: torch.rand(40, 1, 4, 4, generator=stream(0, "window", it)) for it in (3, 5, 7)}
    grown = [network_of(window, sigma, restored) for window, sigma in ((3, 0.2), (5, 0.5), (7, 1.2))]
    assert "It grows with the noise" in local_report.growth(grown)
    same = [network_of(window, sigma, restored) for window, sigma in ((3, 0.2), (5, 0.5), (5, 1.2))]
    assert "is not claimed" in local_report.growth(same)


def test_its_quick_form_finds_what_a_page_can_show(
    small_lecture: SmallLaboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first training to the last sentence, on a few tiny networks: finite figures, pictures, sentences."""
    monkeypatch.setattr(explained, "WINDOWS", (3, 9))
    monkeypatch.setattr(explained, "QUICK_TESTED", 8)
    monkeypatch.setattr(explained, "QUICK_CHOOSING", 8)
    study = find_study(SERIES, "local")
    findings = study.run(small_lecture)
    check_findings(study, findings)
    assert {"r2.3.gaussian-0.2", "r2.exact.block", "network_over_local_db.gaussian-1.2"} <= findings.figures.keys()
    assert findings.pictures[0].name == "local"
