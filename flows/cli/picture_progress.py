"""How far work on pictures is: bars on a terminal, elsewhere a line every few seconds.

One bar counts pictures, where there are several. Another one counts parts: tiles
of a large picture, pictures of a stack.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from ..stages.agenda import about

if TYPE_CHECKING:
    from daecore.model.tiling import Watch

EVERY_SECONDS = 5.0


class PictureProgress:
    """How far it is.

    Args:
        bars: What draws.
        console: Where to.
        total: How many pictures there are.
    """

    def __init__(self, bars: Progress, console: Console, total: int) -> None:
        self._bars, self._console, self._total, self._done = bars, console, total, 0
        self._began = self._told = time.monotonic()
        self._all = bars.add_task("pictures", total=total, left="", visible=total > 1)

    @contextmanager
    def picture(self, name: str) -> "Iterator[Watch]":
        """One picture; yields what is to be told how many of its parts are done.

        Args:
            name: The picture's.
        """
        bar, began = self._bars.add_task(name, total=None, left="", visible=False), time.monotonic()

        def watch(done: int, total: int) -> None:
            left = _left(time.monotonic() - began, done, total)
            self._show(bar, done, total, f"parts, {left}", visible=done < total)
            self._tell(f"{name}: part {done} of {total}, {left}", done < total)

        try:
            yield watch
        finally:
            self._bars.remove_task(bar)
            self._count()

    def _count(self) -> None:
        """One picture is over, however it went."""
        self._done += 1
        left = _left(time.monotonic() - self._began, self._done, self._total)
        self._show(self._all, self._done, self._total, left, visible=self._total > 1)
        self._tell(f"{self._done} of {self._total} pictures, {left}", self._done < self._total)

    def _show(self, bar: TaskID, done: int, total: int, left: str, *, visible: bool) -> None:
        self._bars.update(bar, completed=done, total=total, left=left, visible=visible)

    def _tell(self, line: str, under_way: bool) -> None:
        """Print a line where nothing can be drawn, and the last one is some seconds ago."""
        now = time.monotonic()
        if not self._console.is_terminal and under_way and now - self._told > EVERY_SECONDS:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
            self._told = now


@contextmanager
def show_pictures(total: int) -> Iterator[PictureProgress]:
    """Show how far work on so many pictures is, while the block runs."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn(),
        TextColumn("{task.fields[left]}"), console=console, transient=True, disable=not console.is_terminal,
        redirect_stdout=sys.stdout.isatty(),
    ) as bars:  # fmt: skip
        yield PictureProgress(bars, console, total)


def _left(seconds: float, done: int, total: int) -> str:
    return about(seconds * (total - done) / done, seconds * total / done)
