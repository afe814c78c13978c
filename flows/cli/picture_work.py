"""Work on picture files, one after the other: each is told, one that fails stops no other, in the end they are counted.

Knows jobs and what comes of them. Does not know what is made of a picture.
"""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from daecore.model.tiling import Watch

    from ..picture_plan import Job, Plan
    from ..picture_writing import Written
    from .picture_progress import PictureProgress

W = TypeVar("W", bound="Written")


def work_through(
    jobs: "Sequence[Job]", work: "Callable[[Job, Watch], W]", more: "Callable[[Job, W], str]"
) -> list[bool]:
    """Do the work on one file after the other, and tell how it went; whether each one went well.

    Args:
        jobs: The files.
        work: Is given a job, and what is to be told how many of its parts are done.
        more: What is said of one beside its name, its size and its seconds.
    """
    from .picture_progress import show_pictures

    with show_pictures(len(jobs)) as progress:
        return [_attempt(job, work, more, progress) for job in jobs]


def _attempt(
    job: "Job", work: "Callable[[Job, Watch], W]", more: "Callable[[Job, W], str]", progress: "PictureProgress"
) -> bool:
    from daecore.errors import DaecoreError

    try:
        with progress.picture(job.source.name) as watch:
            done = work(job, watch)
    except (DaecoreError, OSError) as error:
        print(f"dae: {job.source} was left out. {error}", file=sys.stderr)
        return False
    for note in done.notes:
        print(f"dae: {job.source}: {note}.", file=sys.stderr)
    sizes = " -> ".join(f"{width}x{height}" for width, height in dict.fromkeys((done.before, done.after)))
    several = f"  {done.pictures} pictures" if done.pictures > 1 else ""
    print(f"{job.target}  {sizes}{several}{more(job, done)}")
    return True


def say_how_it_went(planned: "Plan", went: list[bool], what: str) -> None:
    """How many files it went well with.

    Args:
        planned: All of them.
        went: Whether it went well with each.
        what: What was done with them, as ``restored``.

    Raises:
        typer.Exit: 1 where it did not with some.
    """
    if planned.found:
        print(f"{planned.found}; {sum(went)} {what}.", file=sys.stderr)
    if not all(went):
        print(f"dae: {went.count(False)} of {len(went)} pictures could not be {what}.", file=sys.stderr)
        raise typer.Exit(1)
