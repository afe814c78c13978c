"""Verification: a run evaluated, or trained, again, and each thing beside what the run keeps."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from daecore.errors import DaecoreError, StoreError, in_a_line
from daecore.processors import usable
from daecore.training.checkpoint import tensors_digest

from ..store.dataset_ref import DatasetRef
from ..store.model_ref import ModelRef
from ..store.store import Store
from .again import Again
from .comparison import compare_arrays, compare_figures, tolerance_of
from .kept import Kept, because_of_plugins, read_kept, what
from .networks import compare_networks
from .reasons import find_reasons, no_reason
from .record import Compared, Verification, worst

EVALUATION = "evaluate_denoising"


def verify(text: str, store: Store, *, train: bool = False, threads: int = 0) -> Verification:
    """Evaluate a run again, or train it again, without the cache; nothing in the store is changed.

    Args:
        text: A run's id, the beginning of it, its name, or a registered model as ``models:/name@alias``.
        store: Where it is.
        train: Train again whatever the run trained, and go on with that; else its own weights are evaluated.
        threads: With how many threads; 0: each stage with those that it was computed with.

    Raises:
        InputError: There is no such run, it is not finished, or a plugin that it used is missing.
        StoreError: What it keeps is gone or cannot be read.
        DaecoreError: It could not be computed again.
    """
    began, kept = time.perf_counter(), read_kept(text, store)
    if kept.weights is None and not train:
        raise StoreError(
            f"The weights of {_of(kept)} are gone or altered: {kept.model.weights.absolute(store)}. `dae verify "
            f"{kept.run.info.run_id[:12]} --train` trains it again, and compares with the digest that the run keeps."
        )
    with tempfile.TemporaryDirectory(prefix="dae-verify-") as folder:
        again = Again(kept, Store(Path(folder).resolve(), store.data), threads)
        dataset, compared = _compute(kept, again, store, train=train)
    verdict = worst([one.verdict for one in compared])
    why = find_reasons(kept, again.computed, dataset.sha256)
    unknown = verdict != "bit-equal" and not why
    return Verification(
        run_id=kept.run.info.run_id,
        name=kept.run.info.run_name,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        trained=train,
        verdict=verdict,
        why=(no_reason([it["device"] for it in again.computed.values()]),) if unknown else why,
        tolerance=_tolerance(kept, again),
        compared=tuple(compared),
        left_out=tuple(_left_out(kept, compared, train=train)),
        remarks=tuple(_remarks(kept, again)),
        computed=again.computed,
        computed_then={name: kept.computed(name) for name in again.computed},
        seconds=time.perf_counter() - began,
    )


def _compute(kept: Kept, again: Again, store: Store, *, train: bool) -> tuple[DatasetRef, list[Compared]]:
    """The dataset as it is now, and each thing beside what the run keeps; of other data no figure means anything.

    Raises:
        DaecoreError: It could not be computed; plugins that have changed since are named.
    """
    try:
        dataset = again.load()
        compared = [_compare_text("data", str(kept.report["dataset"]["sha256"]), dataset.sha256)]
        if compared[0].verdict == "bit-equal":
            network = again.train(dataset) if train else again.own_network(store)
            figures = [*_figures(kept, again, dataset, network, train=train)]
            compared += [*(compare_networks(kept, again, store) if train else [_own_weights(kept)]), *figures]
        return dataset, compared
    except DaecoreError as error:
        raise because_of_plugins(error, kept.plugins) from None
    except Exception as error:  # a plugin that has changed may raise anything
        if not kept.plugins:
            raise
        said = f"{what(kept.run)} could not be computed again: {type(error).__name__}: {in_a_line(str(error))}."
        raise because_of_plugins(DaecoreError(said), kept.plugins) from error


def _figures(kept: Kept, again: Again, dataset: DatasetRef, network: ModelRef, *, train: bool) -> Iterator[Compared]:
    """Every figure of the report; those of classifiers and of error bars where training is asked for."""
    evaluated, report = again.evaluate(dataset, network), kept.report
    near = _tolerance(kept, again)
    yield _compare_text("pairs", kept.evaluation, evaluated.digest)
    yield from compare_arrays(kept.scores, evaluated.scores, "per_image", near)
    yield from compare_figures(report["denoising"], evaluated.report.model_dump(mode="json"), "denoising", near)
    if report.get("sampling"):
        yield from compare_figures(report["sampling"], again.draw(dataset, network), "sampling", near)
    if train and report.get("error_bars"):
        yield from compare_figures(report["error_bars"], again.bound(dataset, network), "error_bars", near)
    if train and kept.classifies:
        found = again.classify(dataset, network, again.train(dataset, control=True))
        for part, now in (("transfer", found["rows"]), ("differences", found["differences"])):
            yield from compare_figures(_by_name(report[part]), _by_name(now), part, near)


def _own_weights(kept: Kept) -> Compared:
    """The run's weights are those that its training gave."""
    return _compare_text("weights", kept.model.summary.weights_sha256, tensors_digest(kept.weights or {}))


def _compare_text(name: str, kept: str, now: str) -> Compared:
    (found,) = compare_figures(kept, now, name, 0.0)
    return found


def _by_name(rows: "list[dict[str, object]]") -> "dict[str, dict[str, object]]":
    """Rows of classifiers by what they are of, so that paths name them."""
    return {
        "-".join(str(row[key]) for key in ("initialisation", "control", "labels") if key in row): row for row in rows
    }


def _tolerance(kept: Kept, again: Again) -> float:
    return tolerance_of(kept.computed(EVALUATION), again.computed.get(EVALUATION, {}))


def _left_out(kept: Kept, compared: "list[Compared]", *, train: bool) -> Iterator[str]:
    """What was not verified."""
    if compared[0].verdict != "bit-equal":
        yield "Nothing was computed again: it would be of other data."
    elif not train:
        yield "The training: --train trains again, and compares the weights."
        if kept.classifies:
            yield "The classifiers and their control: they are trained, and --train trains them again."
        if kept.report.get("error_bars"):
            yield "The error bars: they are taught, and --train teaches them again."
    elif kept.classifies and kept.control() is None:
        yield "The weights of the control: the run does not say which network it was."


def _remarks(kept: Kept, again: Again) -> Iterator[str]:
    """What is no difference, and good to know."""
    if not kept.says_with_what:
        yield (
            "The run was made before runs kept with what each stage was computed: no processor, driver or code is "
            "compared, and the device and threads are those of its training."
        )
    most = max(int(it["threads"]) for it in again.computed.values())
    if most > usable():
        yield f"{most} threads shared {usable()} core{'s' * (usable() > 1)}: that is slow, and gives the same bits."


def _of(kept: Kept) -> str:
    named = what(kept.run)
    return named[:1].lower() + named[1:]
