"""`dae cite`: what to cite where a run's numbers are shown."""

from typing import Annotated

import typer

from . import completion
from .folders import DEFAULT_DATA, DEFAULT_STORE, StoreFolder, store_at
from .runs import enter


def cite(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="A run's id or name, or models:/NAME@ALIAS.", autocompletion=completion.runs
        ),
    ],
    allow_changed_plugins: Annotated[
        bool, typer.Option("--allow-changed-plugins", help="Cite what is installed where a plugin has changed since.")
    ] = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Print BibTeX of what a run used: its dataset, corruptions, network and objective, and daecore itself."""
    enter(store_at(store, DEFAULT_DATA))
    from daecore.experiment.provenance import recorded_in, require_same

    from ..store.citation import citation
    from ..store.lookup import find_run

    found = find_run(run)
    what = f"run {found.info.run_id[:12]} ({found.info.run_name})"
    recorded = recorded_in(found.data.tags)
    require_same(recorded, f"The {what}", allow=allow_changed_plugins)
    print(citation(recorded, f"the {what}"))
