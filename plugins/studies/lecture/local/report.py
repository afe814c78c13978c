"""What explained the networks, as numbers, pictures, a table and sentences. Knows answers. Does not train."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from torch import Tensor

from daecore import stream
from daecore.plots import Curves, curves, panel, png
from daecore.stats import Interval, bootstrap, format_gain_db, format_interval, is_claim, median
from daecore.study import Measured, Picture, Table

from .explained import Explained

SHOWN = 12  # pictures of each problem
HEAD = ("corruption", "explains best: window", "r^2 of it", "r^2 of the whole pictures", "restores best: window",
        "that window, dB", "linear, dB", "exact posterior, dB", "network, dB")  # fmt: skip


def figures(name: str, found: Explained) -> Iterator[tuple[str, Measured]]:
    """The numbers of one problem by name: ``r2.5.gaussian-0.5``, and so on."""
    for window in found.local:
        yield f"r2.{window}.{name}", Measured.of(median(found.r2(window)))
    yield f"r2.exact.{name}", Measured.of(median(found.r2()))
    yield f"explaining_window.{name}", Measured(value=found.explaining, unit="pixels")
    yield f"restoring_window.{name}", Measured(value=found.restoring, unit="pixels")
    yield f"network_db.{name}", Measured.of(_db(found, found.network), "dB")
    for other, restored in _others(found).items():
        yield f"{other}_db.{name}", Measured.of(_db(found, restored), "dB")
        yield f"network_over_{other}_db.{name}", Measured.of(found.lead(restored, other), "dB")


def growth(noisy: Sequence[Explained]) -> str:
    """Whether the window that explains best grows with the noise: where every interval says so, and not elsewhere.

    Each of two neighbouring levels is to be explained better by its own window than by the other's, picture by picture.

    Args:
        noisy: By growing noise.
    """
    named = ", ".join(f"{it.explaining} pixels under {it.problem.words}" for it in noisy)
    chosen = f"The window that explains the network best, chosen on validation pictures: {named}."
    grows = all(low.explaining < high.explaining and _prefer_own(low, high) for low, high in pairwise(noisy))
    return chosen + (
        " It grows with the noise: on test pictures each level is explained better by its own window than by its "
        "neighbour's." if grows else " That it grows with the noise at every step is not claimed."
    )  # fmt: skip


def _prefer_own(low: Explained, high: Explained) -> bool:
    def gain(one: Explained, other: Explained) -> Interval:
        return median(one.r2(one.explaining) - one.r2(other.explaining))

    return all(is_claim(it) and it.mean > 0 for it in (gain(low, high), gain(high, low)))


def note(found: Explained) -> str:
    """What explains one network, and what it has beyond that."""
    best, whole = median(found.r2(found.explaining)), median(found.r2())
    better = median(found.r2(found.explaining) - found.r2())
    said = "more than" if better.low > 0 else "less than" if better.high < 0 else "not surely more or less than"
    lead, words = found.lead(found.local[found.restoring], "local"), found.problem.words
    return (
        f"{words[0].upper()}{words[1:]}: a window of {found.explaining} pixels explains {format_interval(best, '.3f')} "
        "of a network's answer (median r^2), the exact posterior over whole pictures "
        f"{format_interval(whole, '.3f')}. In the median the window explains {said} the posterior. The network beside "
        f"the window of {found.restoring} pixels: {format_gain_db(lead)}; beside the linear map: "
        f"{format_gain_db(found.lead(found.linear, 'linear'))}."
    )


def table(found: Sequence[Explained]) -> Table:
    """A row for each problem."""
    rows = tuple(
        (it.problem.words, it.explaining, format_interval(median(it.r2(it.explaining)), ".3f"),
         format_interval(median(it.r2()), ".3f"), it.restoring, format_interval(_db(it, it.local[it.restoring])),
         format_interval(_db(it, it.linear)), format_interval(_db(it, it.whole)), format_interval(_db(it, it.network)))
        for it in found
    )  # fmt: skip
    return Table(f"What explains a network, and what restores: {len(found[0].clean)} test pictures", HEAD, rows)


def chart(found: Sequence[Explained]) -> Picture:
    """How much a window explains, and how well it restores, against its side."""
    r2 = {it.problem.words: {window: median(it.r2(window)) for window in it.local} for it in found}
    behind = {
        it.problem.words: {window: _negate(it.lead(it.local[window], str(window))) for window in it.local}
        for it in found
    }
    whole = max(found[0].local)
    charts = [
        Curves("share of the network's answer explained", r2, note="r^2, median over pictures"),
        Curves("restored better than by the network", behind, {"the network": 0.0}, "dB, mean over pictures"),
    ]
    caption = (
        "Left, how much of a trained network's answer is explained by the posterior mean that sees only a window of "
        "the corrupted picture around each pixel, against the window's side; right, by how many dB that posterior mean "
        f"restores better than the network. A line for each corruption; bands are 95 % intervals. {whole} pixels hold "
        "the whole picture from everywhere."
    )
    return Picture("local", caption, png(curves(charts, "side of the window, pixels")))


def examples(name: str, found: Explained) -> Picture:
    """A few test digits of one problem, under everything that restores them."""
    few = slice(SHOWN)
    rows = {
        "original": found.clean[few], "corrupted": found.corrupted[few], "network": found.network[few],
        f"window: {found.explaining} pixels": found.local[found.explaining][few],
        "exact: whole pictures": found.whole[few],
    }  # fmt: skip
    caption = (
        f"Test digits, {found.problem.words}: original, corrupted, the network's answer, the posterior mean through "
        f"the window that explains it best, {found.explaining} pixels wide, and the exact posterior mean over whole "
        "training pictures."
    )
    return Picture(f"local-{name}", caption, png(panel(rows)))


def _others(found: Explained) -> dict[str, Tensor]:
    return {"local": found.local[found.restoring], "linear": found.linear, "exact": found.whole}


def _db(found: Explained, restored: Tensor) -> Interval:
    return bootstrap(found.db(restored), generator=stream(0, "local", "db", found.problem.words))


def _negate(lead: Interval) -> Interval:
    return Interval(mean=-lead.mean, low=-lead.high, high=-lead.low, n=lead.n)
