"""The flow `study`: the studies of a series in their order, then the gallery of what they found."""

from typing import Annotated

from prefect import flow, runtime
from pydantic import Field

from daecore.plugin.registry import find_series

from .series import SeriesReport, run_series

Threads = Annotated[int, Field(ge=0, le=1024)]


def _run_name() -> str:
    """What runs, for Prefect's lists: ``physics optics, heat (quick)``."""
    given = runtime.flow_run.parameters
    named = ", ".join(given.get("only") or ()) or "whole"
    return f"{given.get('series') or 'study'} {named}{' (quick)' if given.get('quick') else ''}"


@flow(name="study", flow_run_name=_run_name, persist_result=False)
def study(
    series: str = "", only: tuple[str, ...] = (), quick: bool = False, fresh: bool = False, threads: Threads = 0
) -> SeriesReport:
    """Run the studies of a series and write their gallery; what is there already is reused.

    Args:
        series: Which, as `dae studies` lists them; each deployment names its own.
        only: Which of its studies, by their ids; all of them if empty.
        quick: Small budgets, the same pictures.
        fresh: Ignore cached results and train anew.
        threads: CPU threads of every training; 0: as each one's recipe says, else as many as pay and are free.
    """
    return run_series(find_series(series), only, quick=quick, fresh=fresh, threads=threads)
