"""Progress on the screen: bars on a terminal, a few lines that change in a notebook, plain lines elsewhere.

The stages log to `daecore.progress` and warn through `daecore`; this listens, and nothing calls it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from ..workers.console import OURS, PROGRESS, give_levels, silence

START = "start"
WIDE = 120  # columns that have room for a bar beside what is told


@contextmanager
def watch(*, verbose: bool = False) -> Iterator[None]:
    """Show what the stages log while the block runs.

    Args:
        verbose: Leave Prefect's own console output as it is.
    """
    console = Console(stderr=True)
    handler = Cell(console) if console.is_jupyter else Bars(console) if console.is_terminal else Lines(console)
    if not verbose:
        silence()
    ours, stages = logging.getLogger(OURS), logging.getLogger(PROGRESS)
    before = [(logger, logger.level) for logger in (ours, stages)], ours.propagate
    give_levels()
    ours.propagate = False  # libraries put handlers on the root, which would say everything twice
    ours.addHandler(handler)
    try:
        with handler.bars:
            yield
    finally:
        ours.removeHandler(handler)
        levels, ours.propagate = before
        for logger, level in levels:
            logger.setLevel(level)


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


class Cell(Lines):
    """A notebook's cell: a line for each stage and each warning, and the latest epoch in the last one."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        from IPython.display import display

        self.lines: list[str] = []
        self.shown = display(self._data(""), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def emit(self, record: logging.LogRecord) -> None:
        """Change what is shown."""
        latest = ""
        if hasattr(record, "progress") or hasattr(record, "stage"):
            latest = f"  {record.getMessage()}"
        elif record.levelno >= logging.WARNING:
            self.lines.append(f"{record.levelname.lower()}: {record.getMessage()}")
        else:
            self.lines.append(record.getMessage())
        self.shown.update(self._data(latest), raw=True)

    def _data(self, latest: str) -> dict[str, str]:
        return {"text/plain": "\n".join([*self.lines, latest]).rstrip()}


class Bars(Lines):
    """One bar per stage, with the latest message beside it; stages inside another go when that one ends."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        wide = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
        self.bars = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description:<20}"),
            *(wide if console.width >= WIDE else wide[1:2]),  # what is told matters more than the bar
            TextColumn("{task.fields[latest]}", markup=False),
            console=console,
        )
        self.open: list[tuple[str, TaskID]] = []
        self.inside: dict[int, list[TaskID]] = {}  # by how deep they are
        self._begin(START, "starting Prefect and MLflow")

    def emit(self, record: logging.LogRecord) -> None:
        """Move the bars."""
        if hasattr(record, "stage"):
            self._end(START)
            self._begin(record.stage)
        elif hasattr(record, "end"):
            self._end(record.end, record.getMessage().partition(": ")[2])
        elif hasattr(record, "progress") and self.open:
            _, done, total = record.progress
            latest = record.getMessage().partition(": ")[2]
            self.bars.update(self.open[-1][1], completed=done, total=total, latest=latest)
        else:
            super().emit(record)

    def _begin(self, name: str, latest: str = "") -> None:
        task = self.bars.add_task("  " * len(self.open) + name, total=None, latest=latest)
        self.inside.setdefault(len(self.open), []).append(task)
        self.open.append((name, task))

    def _end(self, name: str, latest: str = "") -> None:
        """Fill the bar of this name and whatever is open inside it, and take what was inside it away."""
        while any(name == other for other, _ in self.open):
            ended, task = self.open.pop()
            found = self.bars.tasks[task]
            total = found.total or 1
            self.bars.update(task, completed=total, total=total, latest=latest or found.fields["latest"])
            for inner in self.inside.pop(len(self.open) + 1, []):
                self.bars.update(inner, visible=False)
            if ended == name:
                return
