"""`dae corrupt`: picture files as the plugins would damage them."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .reading import Choose, parse_choice, parse_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daecore.corruption.corruptor import Corruptor

    from ..corrupt_pictures import Corrupted
    from ..picture_plan import Job
    from .picture_progress import PictureProgress

    How = Callable[..., Corrupted]

Corruptions = Annotated[
    list[str],
    typer.Option(
        "--corruption", metavar="YAML", help="As 'erasure: {p: 0.5}' or gaussian_noise; several follow each other."
    ),
]
Range = Annotated[
    str,
    typer.Option(
        "--range", metavar="auto|dtype|LOW,HIGH",
        help="Which numbers of files are 0 and 1: what they hold, what their type says, or these.",
    ),
]  # fmt: skip


def corrupt(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture, or a folder of pictures.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The file or folder to write.")],
    corruptions: Corruptions,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31, help="Another one, another noise.")] = 0,
    value_range: Range = "auto",
    choose: Choose = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
) -> None:
    """Corrupt pictures as a training would: for teaching, for tests, for other tools.

    Depth, transparency and profile are kept. The same seed gives the same noise; each file has its own.
    No input is ever overwritten. What cannot be read is told, and the others go on.
    """
    from ..picture_plan import plan

    asked, choice = parse_range(value_range), parse_choice(choose)
    planned = plan(source.expanduser(), target.expanduser(), force=force)
    corruptor = _corruptor(corruptions)
    from ..corrupt_pictures import corrupt_file, range_of

    taken = range_of([job.source for job in planned.jobs], asked, choice)
    if taken:
        print(f"The numbers {taken} are 0 to 1.", file=sys.stderr)
    how = partial(corrupt_file, corruptor=corruptor, seed=seed, value_range=taken, choice=choice)
    went = _corrupt_all(planned.jobs, how)
    if planned.found:
        print(f"{planned.found}; {sum(went)} corrupted by {corruptor}.", file=sys.stderr)
    if not all(went):
        print(f"dae: {went.count(False)} of {len(went)} pictures could not be corrupted.", file=sys.stderr)
        raise typer.Exit(1)


def _corruptor(given: "Sequence[str]") -> "Corruptor":
    """The chain that is meant.

    Raises:
        InputError: There is no such corruption, or its options are wrong.
    """
    from pydantic import ValidationError

    from daecore.corruption.corruptor import Corruptor
    from daecore.errors import InputError, quote
    from daecore.experiment.yaml_text import load_value
    from daecore.plugin.spec import explain, spec

    try:
        values = [load_value(text, f"--corruption {quote(text)}") for text in given]
        return Corruptor([spec("corruption", value) for value in values])
    except ValidationError as error:
        raise InputError(f"--corruption cannot be read: {explain(error, 'corruption').rstrip('.')}.") from None
    except ValueError as error:
        raise InputError(
            f"--corruption takes a name, or a name with options as 'erasure: {{p: 0.5}}': {error}."
        ) from None


def _corrupt_all(jobs: "Sequence[Job]", how: "How") -> list[bool]:
    """Corrupt one picture after the other; whether each one went well."""
    from .picture_progress import show_pictures

    with show_pictures(len(jobs)) as progress:
        return [_attempt(job, how, progress) for job in jobs]


def _attempt(job: "Job", how: "How", progress: "PictureProgress") -> bool:
    """Corrupt one picture and tell how it went; whether it did."""
    from daecore.errors import DaecoreError

    try:
        with progress.picture(job.source.name) as watch:
            done = how(job, watch=watch)
    except (DaecoreError, OSError) as error:
        print(f"dae: {job.source} was left out. {error}", file=sys.stderr)
        return False
    for note in done.notes:
        print(f"dae: {job.source}: {note}.", file=sys.stderr)
    sizes = " -> ".join(f"{width}x{height}" for width, height in dict.fromkeys((done.before, done.after)))
    several = f"  {done.pictures} pictures" if done.pictures > 1 else ""
    print(f"{job.target}  {sizes}{several}  {done.seconds:.2f} s")
    return True
