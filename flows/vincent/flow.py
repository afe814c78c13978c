"""The flow `vincent`: every problem, then the table and the gallery of what was found."""

from prefect import flow

from ..series.running import Threads, Told, run_name, tell
from . import SERIES


@flow(name=SERIES.name, flow_run_name=run_name, persist_result=False)
def vincent(only: tuple[str, ...] = (), quick: bool = False, fresh: bool = False, threads: Threads = 0) -> Told:
    """Classify Vincent's problems by every method and write the table; what is there already is reused.

    Args:
        only: Which problems, as mnist_rot; all of them if empty.
        quick: Small budgets, the same pictures.
        fresh: Ignore cached results and train anew.
        threads: CPU threads of every training; 0: as each one's recipe says, else as many as pay and are free.
    """
    return tell(SERIES, only, quick=quick, fresh=fresh, threads=threads)
