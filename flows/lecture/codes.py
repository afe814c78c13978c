"""Codes of several sizes: what they say of a picture, how still they hold and what they are good for, shown.

Knows measures. Does not train.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from daecore.curves import Curves, curves
from daecore.figures import png
from daecore.information import Bound
from daecore.intervals import Interval, student

from .study import Measured, Picture, Table

IDENTITY = "identity"


@dataclass(frozen=True)
class Measure:
    """What was found of one encoder.

    Attributes:
        bound: On its input's information in the code of a clean picture.
        corrupted_bound: Likewise in the code of a picture corrupted as in training.
        errors: The linear probe's test error in percent, a draw of labels each.
        robustness: How far noise moves the code, by how far codes lie apart; less is better.
    """

    bound: Bound
    corrupted_bound: Bound
    errors: Sequence[float]
    robustness: Interval

    @property
    def error_percent(self) -> Interval:
        """The probe's error with its interval over draws."""
        return student(self.errors)


Measures = Mapping[tuple[int, float], Measure]


def figures(found: Measures, identity: Measure) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``bound_nats.8.p0.25``, and so on."""
    named = {f"{size}.p{p:g}": item for (size, p), item in found.items()} | {IDENTITY: identity}
    for name, item in named.items():
        yield f"bound_nats.{name}", Measured.of(item.bound.nats, "nats")
        yield f"corrupted_bound_nats.{name}", Measured.of(item.corrupted_bound.nats, "nats")
        yield f"at_floor.{name}", Measured(value=float(item.bound.at_floor), n=item.bound.nats.n)
        yield f"probe_error_percent.{name}", Measured.of(item.error_percent, "%")
        yield f"robustness.{name}", Measured.of(item.robustness)


def picture(found: Measures, identity: Measure, labels: int) -> Picture:
    """Four charts against the size of the code, a line for each share of pixels erased in training."""
    levels = {f"{p:.0%} erased" if p else "plain": p for p in sorted({p for _, p in found})}

    def lines(value: str) -> dict[str, dict[int, Interval]]:
        return {name: {size: _value(found[size, p], value) for size in _sizes(found)} for name, p in levels.items()}

    top = f"identity, at the floor of rounding: {identity.bound.nats.mean:,.0f}"
    charts = [
        Curves("information of a clean picture's code, nats", lines("bound"), note=top),
        Curves("information of a corrupted picture's code, nats", lines("corrupted"), note="corrupted as in training"),
        Curves("linear probe's test error, %", lines("error"), {"pixels": identity.error_percent.mean}),
        Curves("code moved by erasing half, of its spread", lines("robustness"), {"pixels": identity.robustness.mean}),
    ]
    caption = (
        "Against the size of the code: a lower bound on I(x; z) - H(x), of codes of clean pictures and of corrupted "
        f"ones; the error of a linear layer on the code, trained with {labels} labels; and how far the code moves when "
        "half of the pixels are erased, by how far two codes lie apart. A line for each share of pixels erased in "
        "training; dashed, the pixels themselves."
    )
    return Picture("information", caption, png(curves(charts, "numbers in the code")))


def _value(item: Measure, value: str) -> Interval:
    values = {
        "bound": item.bound.nats,
        "corrupted": item.corrupted_bound.nats,
        "error": item.error_percent,
        "robustness": item.robustness,
    }
    return values[value]


def table(found: Measures, identity: Measure) -> Table:
    """A row per code."""
    named: list[tuple[object, object, Measure]] = [(size, f"{p:g}", item) for (size, p), item in found.items()]
    rows = [*named, ("784 (identity)", "", identity)]
    head = ("code", "erased in training", "bound, nats", "of corrupted, nats", "probe's error, %", "robustness")
    return Table("What codes say, and what they are good for", head, tuple(_row(*row) for row in rows))


def _row(size: object, p: object, item: Measure) -> tuple[object, ...]:
    floor = " (at the floor)" if item.bound.at_floor else ""
    error, ratio = item.error_percent, item.robustness
    return (
        size,
        p,
        f"{item.bound.nats.mean:,.0f}{floor}",
        f"{item.corrupted_bound.nats.mean:,.0f}",
        f"{error.mean:.1f} [{error.low:.1f}, {error.high:.1f}]",
        f"{ratio.mean:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]",
    )


def notes(found: Measures, identity: Measure) -> Iterator[str]:
    """What the numbers say of information and use, each difference paired over draws of labels."""
    (size, p), best = min(found.items(), key=lambda item: item[1].error_percent.mean)
    less = student([ours - theirs for ours, theirs in zip(identity.errors, best.errors, strict=True)])
    told = (
        f"The identity says most of its input ({identity.bound.nats.mean:,.0f} nats); the code of {size} numbers with "
        f"{p:.0%} erased says {best.bound.nats.mean:,.0f}, and a linear layer on it makes {less} percentage points "
        "fewer errors"
    )
    yield told + (": much information alone is no good feature." if less.low > 0 else _doubt(less))
    largest = _sizes(found)[-1]
    plain, most = (found[largest, level] for level in (min(found)[1], max(p for _, p in found)))
    change = student([ours - theirs for ours, theirs in zip(plain.errors, most.errors, strict=True)])
    yield (
        f"With {largest} numbers, erasing {max(p for _, p in found):.0%} instead of nothing takes the bound from "
        f"{plain.bound.nats.mean:,.0f} to {most.bound.nats.mean:,.0f} nats, the code's movement under noise from "
        f"{plain.robustness.mean:.3f} to {most.robustness.mean:.3f} of its spread, and changes the probe's errors by "
        f"{-change.mean:+.2f} percentage points [{-change.high:+.2f}, {-change.low:+.2f}]{_doubt(change)}"
    )


def _doubt(interval: Interval) -> str:
    return "." if interval.conclusive else "; no difference is claimed: the interval contains zero."


def _sizes(found: Measures) -> list[int]:
    return sorted({size for size, _ in found})
