"""Mutual information: how much codes say of a digit, how still they hold under noise, and what they are good for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

from daecore.classifier import epochs_for, probe_codes
from daecore.corruption import Corruptor
from daecore.curves import Curves, curves
from daecore.evaluation import restore
from daecore.figures import png
from daecore.information import Bound, information_bound, sensitivity
from daecore.intervals import Interval, student
from daecore.metrics import squared_error
from daecore.pairs import draw_pairs
from daecore.rng import stream
from daecore.samples import Samples, Splits, as_float
from daecore.spec import spec
from daecore.training import TrainingOptions
from daecore.transfer import draw_labels

from ..study import Findings, Measured, Picture, Study, Table

if TYPE_CHECKING:
    from ..laboratory import Laboratory

RECIPE = "lecture/information"
SIZES = (2, 8, 32, 128)
LEVELS = (0.0, 0.25, 0.75)  # none, the usual share of masking noise, and most of the picture
QUICK = ("training.epochs=6",)
COMMON = {"erasure": {"p": 0.5}}  # the corruption under which all codes are moved: no network was trained on it
LABELS, DRAWS, STEPS, BATCH = 1000, 5, 600, 64
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


def run(lab: "Laboratory") -> Findings:
    """Train an autoencoder for each code size and level, and measure its code."""
    levels = (LEVELS[0], LEVELS[-1]) if lab.quick else LEVELS
    splits = lab.splits(lab.experiment(RECIPE))
    found = {(size, p): _trained(lab, size, p, splits) for size in SIZES for p in levels}
    identity = measure(nn.Identity(), nn.Identity(), splits, ())
    return Findings(
        figures=dict(figures(found, identity)),
        pictures=(_picture(found, identity, splits),),
        tables=(_table(found, identity),),
        notes=tuple(_notes(found, identity)),
    )


def measure(network: nn.Module, encoder: nn.Module, splits: Splits, corruptions: Sequence[object]) -> Measure:
    """Measure one encoder on the test set.

    Args:
        network: Encoder and decoder, ``(B, *shape) -> (B, *shape)``.
        encoder: ``(B, *shape) -> (B, ...)``.
        splits: The data, with labels.
        corruptions: What the network was trained on.
    """
    test = splits.test[0]
    clean = as_float(test.data)
    codes = restore(encoder, clean)
    moved = restore(encoder, draw_pairs(test, _corruptor([COMMON])).corrupted)
    own = draw_pairs(test, _corruptor(corruptions)).corrupted if corruptions else clean
    return Measure(
        bound=_bound(network, clean, clean),
        corrupted_bound=_bound(network, own, clean),
        errors=[_probe(encoder, codes, splits, draw) for draw in range(DRAWS)],
        robustness=sensitivity(codes, moved, generator=stream(0, "bootstrap", "robustness")),
    )


def figures(found: Measures, identity: Measure) -> Iterator[tuple[str, Measured]]:
    """The numbers by name: ``bound_nats.8.p0.25``, and so on."""
    named = {f"{size}.p{p:g}": item for (size, p), item in found.items()} | {IDENTITY: identity}
    for name, item in named.items():
        yield f"bound_nats.{name}", Measured.of(item.bound.nats, "nats")
        yield f"corrupted_bound_nats.{name}", Measured.of(item.corrupted_bound.nats, "nats")
        yield f"at_floor.{name}", Measured(value=float(item.bound.at_floor), n=item.bound.nats.n)
        yield f"probe_error_percent.{name}", Measured.of(item.error_percent, "%")
        yield f"robustness.{name}", Measured.of(item.robustness)


def _trained(lab: "Laboratory", size: int, p: float, splits: Splits) -> Measure:
    corruptions = [{"erasure": {"p": p}}] if p else []
    changes = (f"autoencoder.conv.code={size}", f"corruptions={corruptions}")
    network = lab.train(lab.experiment(RECIPE, *changes, quick=QUICK)).network
    return measure(network, network.encoder, splits, corruptions)


def _corruptor(corruptions: Sequence[object]) -> Corruptor:
    return Corruptor([spec("corruption", item) for item in corruptions])


def _bound(network: nn.Module, x: Tensor, clean: Tensor) -> Bound:
    errors = squared_error(restore(network, x), clean)
    return information_bound(errors, clean[0].numel(), generator=stream(0, "bootstrap", "bound"))


def _probe(encoder: nn.Module, codes: Tensor, splits: Splits, draw: int) -> float:
    """The error of a linear layer on the codes of a thousand labelled pictures, judged on all test codes."""
    classes = splits.classes or 0
    labelled = splits.train.select(draw_labels(splits.train, classes, LABELS, 0, draw))
    training = TrainingOptions(epochs=epochs_for(STEPS, BATCH, LABELS), batch=BATCH, learning_rate=1e-2)
    ours = Samples(restore(encoder, as_float(labelled.data)).flatten(1), labelled.labels)
    return probe_codes(ours, Samples(codes.flatten(1), splits.test[0].labels), classes, training, seed=draw)


def _picture(found: Measures, identity: Measure, splits: Splits) -> Picture:
    levels = {f"{p:.0%} erased" if p else "plain": p for p in sorted({p for _, p in found})}

    def lines(value: str) -> dict[str, dict[int, Interval]]:
        return {name: {size: _value(found[size, p], value) for size in SIZES} for name, p in levels.items()}

    top = f"identity, at the floor of rounding: {identity.bound.nats.mean:,.0f}"
    charts = [
        Curves("information of a clean picture's code, nats", lines("bound"), note=top),
        Curves("information of a corrupted picture's code, nats", lines("corrupted"), note="corrupted as in training"),
        Curves("linear probe's test error, %", lines("error"), {"pixels": identity.error_percent.mean}),
        Curves("code moved by erasing half, of its spread", lines("robustness"), {"pixels": identity.robustness.mean}),
    ]
    caption = (
        "Against the size of the code: a lower bound on I(x; z) - H(x), of codes of clean pictures and of corrupted "
        f"ones; the error of a linear layer on the code, trained with {LABELS} labels; and how far the code moves when "
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


def _table(found: Measures, identity: Measure) -> Table:
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


def _notes(found: Measures, identity: Measure) -> Iterator[str]:
    """What the numbers say of information and use, each difference paired over draws of labels."""
    (size, p), best = min(found.items(), key=lambda item: item[1].error_percent.mean)
    less = student([ours - theirs for ours, theirs in zip(identity.errors, best.errors, strict=True)])
    told = (
        f"The identity says most of its input ({identity.bound.nats.mean:,.0f} nats); the code of {size} numbers with "
        f"{p:.0%} erased says {best.bound.nats.mean:,.0f}, and a linear layer on it makes {less} percentage points "
        "fewer errors"
    )
    yield told + (": much information alone is no good feature." if less.low > 0 else _doubt(less))
    largest = max(SIZES)
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


STUDY = Study(
    id="information",
    title="Mutual information",
    says=(
        "Minimising the squared error is maximising a lower bound on what the code says of its input. But to say much "
        "is not to be useful: an encoder that copies its input says everything. So codes are made smaller than the "
        "input, and noise asks them to keep what matters and to hold still."
    ),
    recipes=(RECIPE,),
    run=run,
)
