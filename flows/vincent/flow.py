"""The flow `vincent`: every problem, then the table and the gallery of what was found."""

from prefect import flow

from ..series.running import Told, run_name, tell
from . import SERIES


@flow(name=SERIES.name, flow_run_name=run_name, persist_result=False)
def vincent(only: tuple[str, ...] = (), quick: bool = False, fresh: bool = False) -> Told:
    """Classify Vincent's problems by every method and write the table; what is there already is reused.

    Args:
        only: Which problems, as mnist_rot; all of them if empty.
        quick: Small budgets, the same pictures.
        fresh: Ignore cached results and train anew.
    """
    return tell(SERIES, only, quick=quick, fresh=fresh)
