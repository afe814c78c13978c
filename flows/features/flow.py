"""The flow `features`: the studies of what an encoder has learnt, then their gallery."""

from prefect import flow

from ..series.running import Told, run_name, tell
from . import SERIES


@flow(name=SERIES.name, flow_run_name=run_name, persist_result=False)
def features(only: tuple[str, ...] = (), quick: bool = False, fresh: bool = False) -> Told:
    """Measure what denoising teaches the encoder, and write the gallery; what is there already is reused.

    Args:
        only: Which studies, as stacked or transfer; all of them if empty.
        quick: Small budgets, the same pictures.
        fresh: Ignore cached results and train anew.
    """
    return tell(SERIES, only, quick=quick, fresh=fresh)
