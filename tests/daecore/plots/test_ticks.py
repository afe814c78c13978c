"""Numbers on axes are written as people write them."""

from itertools import pairwise

import pytest
from matplotlib.figure import Figure

from daecore.plots.figures import loss_curves, png
from daecore.plots.label_efficiency import label_efficiency
from daecore.plots.ticks import RoundNumbers, format_number
from daecore.transfer.scores import Score, summarise


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.1, "0.1"), (0.1 + 0.2, "0.3"), (0.00001, "0.00001"), (173.0, "173"), (1000, "1,000"),
     (55_000, "55,000"), (-2.5, "-2.5"), (1234567, "1,234,567")],
)  # fmt: skip
def test_numbers_have_no_powers(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(0.9, 1100, [1, 10, 100, 1000]), (0.9, 11, [1, 2, 5, 10]), (8, 35, [10, 15, 20, 30]), (0.051, 0.055, [])],
)
def test_logarithmic_axes_have_round_numbers_however_short_they_are(
    low: float, high: float, ticks: list[float]
) -> None:
    found = list(RoundNumbers().tick_values(low, high))
    assert found == ticks or (not ticks and len(found) >= 2 and all(low <= tick <= high for tick in found))


def labels(figure: Figure, side: str) -> list[str]:
    png(figure)  # ticks are made when a figure is drawn
    return [text.get_text() for text in getattr(figure.axes[0], f"get_{side}ticklabels")()]


def test_a_loss_has_plain_numbers() -> None:
    found = labels(loss_curves([(epoch, 0.11 / epoch, 0.12 / epoch) for epoch in range(1, 5)]), "y")
    assert {"0.05", "0.1"} <= set(found)
    assert not [text for text in found if "10^" in text or "e" in text]


def test_no_interval_of_the_label_efficiency_hides_another() -> None:
    """Six ways on two budgets: twelve bars side by side, those of a budget nearer to each other than to the next."""
    scores = [
        Score(initialisation=name, encoder="e", method="finetune", labels=count, draw=draw, choice=0.1,
              error_percent=30 - place + draw)
        for place, name in enumerate("abcdef") for count in (100, 1000) for draw in range(3)
    ]  # fmt: skip
    figure = label_efficiency(summarise(scores))
    places = sorted(float(x) for bars in figure.axes[0].containers for x in bars[0].get_xdata())
    gaps = [after - before for before, after in pairwise(places)]
    assert len(places) == 12
    assert min(gaps) > 0.05
    assert max(gaps) == gaps[5] > 2 * sorted(gaps)[-2]
    assert labels(figure, "x") == ["100", "1,000"]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == list("abcdef")


def test_an_interval_below_zero_leaves_the_axis_readable() -> None:
    """Two draws far apart have an interval below zero, which a logarithm does not know."""
    scores = [
        Score(initialisation="a", encoder="e", method="finetune", labels=count, draw=draw, choice=0.1,
              error_percent=2 + 8 * draw)
        for count in (10, 100) for draw in range(2)
    ]  # fmt: skip
    figure = label_efficiency(summarise(scores))
    png(figure)
    assert figure.axes[0].get_ylim()[0] > 0.5
