"""What a run was made of, as its tags say it: by that, cleaning up spares what is still used."""

from collections.abc import Iterable

from .fitted_bars import folders_of_bars
from .tracking import Run

USES = "dae.uses"
NAMES_A_TAG = 50  # names of at most 96 characters


def uses(run: Run) -> set[str]:
    """What a run says it was made of so far: stage keys, result folders, training runs; and its error bars' folders."""
    made_of = {name for key, text in run.data.tags.items() if key.startswith(USES) for name in text.split()}
    return made_of | folders_of_bars(run)


def usage(names: Iterable[str]) -> dict[str, str]:
    """The tags that say what a run was made of, as many as it takes: a tag's length is limited."""
    known = sorted(set(names))
    parts = [known[begin : begin + NAMES_A_TAG] for begin in range(0, len(known), NAMES_A_TAG)]
    return {f"{USES}.{number}" if number else USES: " ".join(part) for number, part in enumerate(parts)}
