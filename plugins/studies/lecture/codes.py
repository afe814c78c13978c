"""Codes of several sizes: what they say of a picture, how still they hold and what they are good for, shown.

Knows measures. Does not train.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from daecore.analysis import Bound
from daecore.plots import Curves, curves, png
from daecore.stats import Interval, fewer_errors, is_claim, student
from daecore.study import Measured, Picture, Table

IDENTITY = "identity"
AT_FLOOR = "identity, at the floor of rounding"


@dataclass(frozen=True)
class Measure:
    """What was found of one encoder.

    Attributes:
        bound: On its input's information in the code of a clean picture.
        corrupted_bound: Likewise in the code of a picture corrupted as in training; None for what was not trained.
        errors: The linear probe's test error in percent, a draw of labels each.
        robustness: How far noise moves the code, by how far codes lie apart; less is better.
    """

    bound: Bound
    corrupted_bound: Bound | None
    errors: Sequence[float]
    robustness: Interval

    @property
    def error_percent(self) -> Interval:
        """The probe's error with its interval over draws."""
        return student(self.errors)


Measures = Mapping[tuple[int, float], Measure]


def figures(found: Measures, identity: Measure) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``bound_nats.8.sigma0.25``, and so on."""
    named = {f"{size}.sigma{sigma:g}": item for (size, sigma), item in found.items()} | {IDENTITY: identity}
    for name, item in named.items():
        yield f"bound_nats.{name}", Measured.of(item.bound.nats, "nats")
        if item.corrupted_bound is not None:
            yield f"corrupted_bound_nats.{name}", Measured.of(item.corrupted_bound.nats, "nats")
        yield f"at_floor.{name}", Measured(value=float(item.bound.at_floor), n=item.bound.nats.n)
        yield f"probe_error_percent.{name}", Measured.of(item.error_percent, "%")
        yield f"robustness.{name}", Measured.of(item.robustness)


def picture(found: Measures, identity: Measure, labels: int) -> Picture:
    """Four charts against the size of the code, a line for each strength of noise in training."""
    names = {f"sigma {sigma:g}" if sigma else "no noise": sigma for sigma in sorted({sigma for _, sigma in found})}

    def chart(value: str, label: str, note: str = "", reference: str = "pixels") -> Curves:
        lines = {name: {size: _values(found[size, it])[value] for size in _sizes(found)} for name, it in names.items()}
        logarithmic = value != "error" and all(it.low > 0 for line in lines.values() for it in line.values())
        copied = _values(identity).get(value)
        return Curves(label, lines, {} if copied is None else {reference: copied.mean}, note, logarithmic)

    charts = [
        chart("clean", "information of a clean picture's code", "lower bound, nats less H(x)", AT_FLOOR),
        chart("corrupted", "information of a corrupted picture's code", "noise as in training, nats less H(x)"),
        chart("error", "error of a linear layer on the code", f"percent, {labels} labels"),
        chart("robustness", "how far noise of sigma 0.5 moves the code", "of how far two codes lie apart, squared"),
    ]
    caption = (
        "Against the size of the code: a lower bound on I(x; z) - H(x), of codes of clean pictures and of corrupted "
        f"ones; the error of a linear layer on the code, trained with {labels} labels; and how far noise moves the "
        "code. A line for each strength of noise in training; dashed, an encoder that copies clean pixels, whose bound "
        "is at the floor of rounding."
    )
    return Picture("information", caption, png(curves(charts, "numbers in the code")))


def _values(item: Measure) -> dict[str, Interval]:
    """What there is of a measure, by the name of its chart."""
    corrupted = {} if item.corrupted_bound is None else {"corrupted": item.corrupted_bound.nats}
    return {"clean": item.bound.nats, "error": item.error_percent, "robustness": item.robustness, **corrupted}


def table(found: Measures, identity: Measure) -> Table:
    """A row per code."""
    named: list[tuple[object, object, Measure]] = [(size, f"{sigma:g}", item) for (size, sigma), item in found.items()]
    rows = [*named, ("784 (identity)", "", identity)]
    head = ("code", "noise in training", "bound, nats", "of corrupted, nats", "probe's error, %", "robustness")
    return Table("What codes say, and what they are good for", head, tuple(_row(*row) for row in rows))


def _row(size: object, sigma: object, item: Measure) -> tuple[object, ...]:
    floor = " (at the floor)" if item.bound.at_floor else ""
    error, ratio = item.error_percent, item.robustness
    return (
        size,
        sigma,
        f"{item.bound.nats.mean:,.0f}{floor}",
        "" if item.corrupted_bound is None else f"{item.corrupted_bound.nats.mean:,.0f}",
        f"{error.mean:.1f} [{error.low:.1f}, {error.high:.1f}]",
        f"{ratio.mean:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]",
    )


def notes(found: Measures, identity: Measure) -> Iterator[str]:
    """What the numbers say of information and use, each difference paired over draws of labels."""
    largest, strongest = _sizes(found)[-1], max(sigma for _, sigma in found)
    plain, noisy = found[largest, 0.0], found[largest, strongest]  # named beforehand: the best of many flatters itself
    less = _fewer(identity, noisy)
    yield (
        f"The identity says most of its input, {identity.bound.nats.mean:,.0f} nats. The code of {largest} numbers "
        f"trained with sigma {strongest:g} says {noisy.bound.nats.mean:,.0f}; a linear layer on it makes "
        f"{fewer_errors(less)}"
        + (": much information alone is no good feature." if less.mean > 0 and is_claim(less) else ".")
    )
    fewer = _fewer(plain, noisy)
    yield (
        f"With {largest} numbers, noise of sigma {strongest:g} in training takes the bound from "
        f"{plain.bound.nats.mean:,.0f} to {noisy.bound.nats.mean:,.0f} nats, and how far noise moves the code from "
        f"{plain.robustness.mean:.3f} to {noisy.robustness.mean:.3f} of its spread; a linear layer makes "
        f"{fewer_errors(fewer)}."
    )


def _fewer(one: Measure, other: Measure) -> Interval:
    """How many percentage points fewer errors the other's probe makes, paired over draws of labels."""
    return student([before - after for before, after in zip(one.errors, other.errors, strict=True)])


def _sizes(found: Measures) -> list[int]:
    return sorted({size for size, _ in found})
