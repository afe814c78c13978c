"""Two halves as numbers, pictures, a table and sentences. Knows distances. Does not train."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from daecore import stream
from daecore.plots import Curves, curves, panel, png
from daecore.stats import Interval, bootstrap, doubt, format_interval
from daecore.study import Measured, Picture, Table

from .agreement import APART, SIGMAS, Agreement
from .crossing import find_crossing

UNIT = "squared distance of a picture"
BETWEEN, OWN, ORIGINALS = "A and B", "network and own posterior", "network and original"
WITHOUT = "A and B, no near ones"
DISTANCES = ("between", "own", "originals")
Found = Mapping[int, Agreement]


@dataclass(frozen=True)
class Agreements:
    """All pairs of networks, by the size of a half.

    Attributes:
        found: Of whole halves.
        apart: Of halves without near-duplicates of each other.
        control: Of as few pictures as the largest of these, drawn at random.
    """

    found: Found
    apart: Found
    control: Agreement


def figures(all_of: Agreements) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``between.1000.sigma0.5``, without near-duplicates ``between.1000.sigma0.5.apart``.

    Those of the control end in ``.control``.
    """
    found = all_of.found
    for suffix, some in (("", found), (".apart", all_of.apart), (".control", {max(all_of.apart): all_of.control})):
        for size, agreement in some.items():
            yield f"kept.{size}{suffix}", Measured(value=sum(agreement.kept) / 2, unit="training pictures")
            for sigma in agreement.distances:
                for name in DISTANCES:
                    key = f"{name}.{size}.sigma{sigma:g}{suffix}"
                    yield key, Measured.of(_distance(agreement, sigma, name), UNIT)
    for sigma in SIGMAS:
        if crosses(found, sigma):
            yield f"crossing.sigma{sigma:g}", Measured.of(crossing(found, sigma), "training pictures")


def crossing(found: Found, sigma: float) -> Interval:
    """From how many training pictures on the networks are nearer to each other than to their own posteriors."""
    margins = torch.stack([agreement.distances[sigma].margin for agreement in found.values()], 1)
    return find_crossing(margins, [*found], stream(0, "halves", "crossing", f"{sigma:g}"))


def chart(all_of: Agreements) -> Picture:
    """A chart for each noise level: distances against the size of a half."""
    charts, found, apart = [], all_of.found, all_of.apart
    for sigma in SIGMAS:
        lines = {
            label: {size: _distance(agreement, sigma, name) for size, agreement in found.items()}
            for label, name in zip((BETWEEN, OWN, ORIGINALS), DISTANCES, strict=True)
        }
        lines[WITHOUT] = {size: _distance(agreement, sigma, "between") for size, agreement in apart.items()}
        charts.append(Curves(f"noise of sigma {sigma:g}", lines, note=UNIT, logarithmic=True))
    caption = (
        "Two networks that were taught on disjoint halves, asked about noisy test digits: how far their answers are "
        "from each other, from the exact posterior mean over their own half, and from the original. Left of where the "
        "first two lines cross a network repeats its half; right of it both answer alike, whatever they were shown. "
        f"For the last line both halves lost the pictures that are nearer than {APART:g} to one of the other half. "
        "Bands are 95 % intervals over test pictures."
    )
    return Picture("halves", caption, png(curves(charts, "training pictures in each half")))


def examples(found: Found, noisy: Tensor, clean: Tensor) -> Picture:
    """Test digits at the middle noise level, under both networks and A's posterior, for a few sizes."""
    sizes = [*found]
    rows = {"original": clean, "noisy": noisy}
    for size in dict.fromkeys((sizes[0], sizes[len(sizes) // 2], sizes[-1])):
        for name, pictures in found[size].answers.items():
            rows[f"{name}: of {size:,}"] = pictures
    caption = (
        f"Test digits under noise of sigma {SIGMAS[1]:g}: original, noisy, and for halves of several sizes the answers "
        "of the networks A and B and the exact posterior mean over A's half."
    )
    return Picture("halves-digits", caption, png(panel(rows)))


def table(all_of: Agreements) -> Table:
    """A row for each size and noise level."""
    head = ("training pictures", "noise", BETWEEN, OWN, ORIGINALS)
    named = [(f"{size:,}", agreement) for size, agreement in all_of.found.items()]
    named += [(f"{size:,}, apart: {_kept(agreement)}", agreement) for size, agreement in all_of.apart.items()]
    named.append((f"{_kept(all_of.control)} at random", all_of.control))
    rows = [
        (name, f"{sigma:g}", *(format_interval(_distance(agreement, sigma, of)) for of in DISTANCES))
        for name, agreement in named
        for sigma in SIGMAS
    ]
    return Table(f"Mean {UNIT}", head, tuple(rows))


def notes(all_of: Agreements) -> Iterator[str]:
    """Where learning ends memorising, and what near-duplicates do to that."""
    for sigma in SIGMAS:
        yield _of_crossing(all_of.found, sigma)
    yield _of_duplicates(all_of)
    yield (
        "One pair of networks was trained for each size, all with the same number of steps: the intervals are over "
        "test pictures and say nothing of luck in training, nor in which pictures came into a small half."
    )


def _of_duplicates(all_of: Agreements) -> str:
    """What is left of the agreement without near-duplicates, beside halves that are as small."""
    size, middle = max(all_of.apart), SIGMAS[1]
    apart, control = (some.distances[middle] for some in (all_of.apart[size], all_of.control))
    change = bootstrap(apart.between - control.between, generator=stream(0, "halves", "apart"))
    margin = bootstrap(apart.margin, generator=stream(0, "halves", "apart margin"))
    still = "still nearer" if margin.low > 0 else "not surely nearer"
    return (
        f"Without pictures that are nearer than {APART:g} to one of the other half, {_kept(all_of.apart[size])} of "
        f"{size:,} are left. At sigma {middle:g} the squared distance of the networks is then larger by "
        f"{format_interval(change, '+.3f')} than that of networks taught on as many pictures drawn at random"
        f"{doubt(change)}. They are {still} to each other than to their own halves' posteriors. What is left are rarer "
        "digits, too."
    )


def crosses(found: Found, sigma: float) -> bool:
    """Whether the smallest halves are memorised and the largest are not, both for certain."""
    first, largest = _margins(found, sigma)
    return first.high < 0 < largest.low


def _margins(found: Found, sigma: float) -> tuple[Interval, Interval]:
    """Of the smallest and the largest size."""
    first, *_, last = found.values()
    return (
        bootstrap(first.distances[sigma].margin, generator=stream(0, "halves", "first", f"{sigma:g}")),
        bootstrap(last.distances[sigma].margin, generator=stream(0, "halves", "largest", f"{sigma:g}")),
    )


def _of_crossing(found: Found, sigma: float) -> str:
    sizes, (first, largest) = [*found], _margins(found, sigma)
    if crosses(found, sigma):
        at = crossing(found, sigma)
        return (
            f"At sigma {sigma:g} a network taught on {_count(sizes[0])} is nearer to its half's posterior than to the "
            f"other network, and one taught on {_count(sizes[-1])} nearer to the other network. The lines cross at "
            f"{at.mean:,.1f} [{at.low:,.1f}, {at.high:,.1f}] pictures in each half."
        )
    return (
        f"At sigma {sigma:g} no crossing is claimed: of {_count(sizes[0])} the margin is {format_interval(first)}, "
        f"of {sizes[-1]:,} it is {format_interval(largest)}."
    )


def _count(size: int) -> str:
    return "one picture" if size == 1 else f"{size:,} pictures"


def _kept(agreement: Agreement) -> str:
    return " and ".join(f"{count:,}" for count in agreement.kept)


def _distance(agreement: Agreement, sigma: float, name: str) -> Interval:
    """The mean of a distance over test pictures; its stream is named by what is measured."""
    distances: Tensor = getattr(agreement.distances[sigma], name)
    kept = " ".join(str(count) for count in agreement.kept)
    return bootstrap(distances, generator=stream(0, "halves", name, f"{kept} {sigma:g}"))
