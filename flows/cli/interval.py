"""`dae restore --interval`: the error bars that are meant, fitted now where a run has none, and what they promise."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .watching import run_watched

if TYPE_CHECKING:
    from daecore.trained.error_bars_file import ErrorBarsHeader
    from daecore.uncertainty.report import ErrorBarsReport

    from ..store.store import Store
    from ..store.tracking import Run


CLIPPED = (
    " The noise of this training was not clipped. A file of 8 or 16 bits clips it, and for such a picture nothing is "
    "promised: for files train with clip=true."
)


def bars_for_run(run: "Run", level: float, store: "Store", *, verbose: bool = False) -> Path:
    """The file of a run's error bars; they are fitted now where it has none.

    Raises:
        InputError: They cannot be fitted here.
    """
    from ..store.fitted_bars import bars_of

    found = bars_of(run, level, store)
    if found is not None:
        return found
    run_id = run.info.run_id
    print(
        f"The run {run_id[:12]} has no error bars at {level:.0%} yet. They are fitted now on its validation pictures, "
        "and kept.",
        file=sys.stderr,
    )

    def load() -> "object":
        from functools import partial

        from ..error_bars import fit_error_bars_of

        return partial(fit_error_bars_of, run_id, level)

    goes_on = "by fitting the bounds from the start; the network is not trained again"
    return run_watched(load, verbose=verbose, goes_on=goes_on)  # type: ignore[arg-type]


def promise(header: "ErrorBarsHeader") -> str:
    """What is promised, on what, and what was measured: a paragraph."""
    report = header.report
    size = "x".join(str(side) for side in report.shape[1:])
    return (
        f"Promised: {report.level:.0%} of the uncertain values are expected to lie within their bounds, all pictures "
        f"like these counted together: those of {header.dataset}, {size} pixels, under {header.corruptions}. "
        f"Calibrated on {report.calibrated_on:,} validation pictures{_measured(report)}. In one picture the share may "
        f"be smaller; for pictures of another kind nothing is promised.{CLIPPED if header.sigma else ''}"
    )


def _measured(report: "ErrorBarsReport") -> str:
    if report.coverage is None:
        return ""
    return (
        f"; measured on {report.pictures:,} unseen ones: {report.coverage.mean:.1%}, and {report.db_held.mean:.1%} of "
        f"them had the PSNR that is promised to each with {report.db_level:.0%}"
    )
