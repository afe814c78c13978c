"""Progress on the screen: bars on a terminal, plain lines elsewhere.

The stages log to `daecore.progress` and warn through `daecore`; this listens, and nothing calls it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..console import silence

PROGRESS = "daecore.progress"


@contextmanager
def watched(*, verbose: bool = False) -> Iterator[None]:
    """Show what the stages log while the block runs.

    Args:
        verbose: Leave Prefect's own console output as it is.
    """
    console = Console(stderr=True)
    handler = Bars(console) if console.is_terminal else Lines(console)
    if not verbose:
        silence()
    ours, stages = logging.getLogger("daecore"), logging.getLogger(PROGRESS)
    before = stages.level, ours.propagate
    stages.setLevel(logging.INFO)  # Prefect sets `daecore` to its own level
    ours.propagate = False  # libraries put handlers on the root, which would say everything twice
    ours.addHandler(handler)
    try:
        with handler.bars:
            yield
    finally:
        ours.removeHandler(handler)
        level, ours.propagate = before
        stages.setLevel(level)


class Lines(logging.Handler):
    """One line per message."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console
        self.bars = Progress(console=console, disable=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Print the message; a stage's epochs are indented beneath it."""
        if record.levelno >= logging.WARNING:
            self._print(f"{record.levelname.lower()}: {record.getMessage()}")
        elif not hasattr(record, "stage"):
            self._print(f"  {record.getMessage()}" if hasattr(record, "progress") else record.getMessage())

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class Bars(Lines):
    """One bar per stage, with the latest message beside it."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self.bars = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description:<20}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[latest]}", markup=False),
            console=console,
        )
        self.current = self.bars.add_task("start", total=None, latest="starting Prefect and MLflow")

    def emit(self, record: logging.LogRecord) -> None:
        """Move the bars."""
        if hasattr(record, "stage"):
            self._end("")
            self.current = self.bars.add_task(record.stage, total=None, latest="")
        elif hasattr(record, "end"):
            self._end(record.getMessage().partition(": ")[2])
        elif hasattr(record, "progress"):
            _, done, total = record.progress
            latest = record.getMessage().partition(": ")[2]
            self.bars.update(self.current, completed=done, total=total, latest=latest)
        else:
            super().emit(record)

    def _end(self, latest: str) -> None:
        """Fill the current bar, once."""
        task = self.bars.tasks[-1]
        if not task.finished:
            total = task.total or 1
            self.bars.update(self.current, completed=total, total=total, latest=latest or task.fields["latest"])
