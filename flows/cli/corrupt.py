"""`dae corrupt`: picture files as the plugins would damage them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .picture_work import say_how_it_went, work_through
from .reading import Choose, parse_choice, parse_range, range_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daecore.corruption.corruptor import Corruptor
    from daecore.model.tiling import Watch

    from ..picture_plan import Job
    from ..picture_writing import Written

Corruptions = Annotated[
    list[str],
    typer.Option(
        "--corruption", metavar="YAML", help="As 'erasure: {p: 0.5}' or gaussian_noise; several follow each other."
    ),
]
Range = Annotated[str, range_option("auto", "what they hold")]


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

    def work(job: "Job", watch: "Watch") -> "Written":
        return corrupt_file(job, corruptor, seed, taken, choice, watch)

    went = work_through(planned.jobs, work, lambda job, done: f"  {done.seconds:.2f} s")
    say_how_it_went(planned, went, "corrupted")


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
