"""When learning ends memorising: the numbers of the study halves."""

import pytest
import torch
from daecore_plugins.studies.lecture import SERIES
from daecore_plugins.studies.lecture.halves import agreement, crossing
from daecore_plugins.studies.lecture.halves import report as halves_report

from daecore.rng import stream
from daecore.study import find_study
from daecore.testing import SmallLaboratory, check_findings


def test_a_crossing_lies_where_the_line_over_the_logarithm_does() -> None:
    """Half-way between 10 and 1,000 in logarithms is 100; ends stand for what lies beyond."""
    sizes, generator = (1, 10, 1_000), stream(0, "crossing")
    margins = torch.tensor([[-2.0, -1.0, 1.0]]).repeat(30, 1)
    assert crossing.find_crossing(margins, sizes, generator).mean == pytest.approx(100)
    assert crossing.find_crossing(margins.abs(), sizes, generator).mean == pytest.approx(1)
    assert crossing.find_crossing(-margins.abs(), sizes, generator).mean == pytest.approx(1_000)
    scattered = margins + torch.randn(30, 3, generator=generator)
    found = crossing.find_crossing(scattered, sizes, generator)
    assert 1 < found.low < found.mean < found.high < 1_000


def test_the_last_crossing_counts() -> None:
    """A margin that turns back below zero has not crossed for good."""
    margins = torch.tensor([[1.0, -1.0, 1.0]]).repeat(30, 1)
    assert crossing.find_crossing(margins, (1, 10, 1_000), stream(0, "last")).mean == pytest.approx(100)
    never = torch.tensor([[-2.0, 1.0, -1.0]]).repeat(30, 1)
    assert crossing.find_crossing(never, (1, 10, 1_000), stream(0, "last")).mean == pytest.approx(1_000)


def test_networks_that_are_their_posteriors_repeat_and_equal_ones_agree() -> None:
    """The margin is minus their distance, and plus the posteriors'."""
    clean, one, two = (torch.rand(6, 1, 4, 4, generator=stream(0, "said", k)) for k in range(3))
    repeating, agreeing = (
        agreement.measure([one, two], [one, two], clean),
        agreement.measure([one, one], [two, two], clean),
    )
    apart = (one - two).square().flatten(1).sum(1)
    torch.testing.assert_close(repeating.margin, -apart)
    torch.testing.assert_close(agreeing.margin, apart)
    torch.testing.assert_close(agreeing.originals, (one - clean).square().flatten(1).sum(1))


def test_a_crossing_is_claimed_only_where_both_ends_say_so() -> None:
    """A network of one digit that repeats it, and two of many digits that agree."""

    def pair(margin: float) -> agreement.Agreement:
        distances = agreement.Distances(torch.full((20,), 5.0), torch.full((20,), 5.0 + margin), torch.zeros(20))
        return agreement.Agreement((1, 1), dict.fromkeys(agreement.SIGMAS, distances), {})

    told = halves_report._of_crossing({1: pair(-1), 100: pair(1)}, 1.0)
    assert told.endswith("The lines cross at 10.0 [10.0, 10.0] pictures in each half.")
    assert "no crossing is claimed" in halves_report._of_crossing({1: pair(1), 100: pair(1)}, 1.0)


def test_its_quick_form_finds_what_a_page_can_show(
    small_lecture: SmallLaboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first training to the last sentence, on a few tiny networks: finite figures, pictures, sentences."""
    monkeypatch.setattr(agreement, "QUICK_TESTED", 8)
    study = find_study(SERIES, "halves")
    findings = study.run(small_lecture)
    check_findings(study, findings)
    assert {"between.10.sigma0.5", "own.1000.sigma2.apart"} <= findings.figures.keys()
    first, second = (agreement._experiment(small_lecture, half, 10, 0.0) for half in "ab")
    assert first.seed != second.seed  # not even the first weights are shared
    assert small_lecture.splits(first).train.digest != small_lecture.splits(second).train.digest
