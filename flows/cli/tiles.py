"""How far the restoration of a large picture is: a bar on a terminal, elsewhere a line every few seconds."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from ..stages.agenda import about

if TYPE_CHECKING:
    from daecore.model.tiling import Watch

EVERY_SECONDS = 5.0


@contextmanager
def show_tiles(name: str) -> "Iterator[Watch]":
    """What is to be told how many tiles of how many are done, while the block runs.

    Args:
        name: The picture's.
    """
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), MofNCompleteColumn(),
        TextColumn("tiles, {task.fields[left]}"), console=console, transient=True, disable=not console.is_terminal,
    ) as bars:  # fmt: skip
        bar = bars.add_task(name, total=None, left="", visible=False)
        began = told = time.monotonic()

        def watch(done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            left = about((now - began) * (total - done) / done, (now - began) * total / done)
            bars.update(bar, completed=done, total=total, left=left, visible=done < total)
            if not console.is_terminal and done < total and now - told > EVERY_SECONDS:
                console.print(f"{name}: tile {done} of {total}, {left}", markup=False, highlight=False, soft_wrap=True)
                told = now

        yield watch
