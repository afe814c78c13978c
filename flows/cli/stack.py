"""`dae stack`: an experiment whose network is trained layer by layer."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .folders import DEFAULT_DATA, DEFAULT_STORE, DataFolder, StoreFolder, store_at
from .recipes import Changes, Recipe, Threads, with_threads
from .run import AllowChangedPlugins, Fresh, Output, Verbose, named_experiment, recipe_name, watch_and_report

if TYPE_CHECKING:
    from ..store.final_report import Reported


def stack(
    recipe: Recipe,
    changes: Changes = None,
    threads: Threads = None,
    fresh: Fresh = False,
    report: Output = None,
    allow_changed_plugins: AllowChangedPlugins = False,
    verbose: Verbose = False,
    store: StoreFolder = DEFAULT_STORE,
    data: DataFolder = DEFAULT_DATA,
) -> None:
    """Train a stack of denoising autoencoders layer by layer, unroll it, restore, measure, transfer; then report.

    The same command again takes finished layers from the cache, and goes on with one that was stopped.
    """
    from daecore.experiment.stack_layers import check_stack

    opened = store_at(store, data)
    experiment = named_experiment(
        recipe, with_threads(changes, threads), opened, allow=allow_changed_plugins, check=check_stack
    )

    def load() -> Callable[[], "Reported"]:
        from ..stacking.flow import stack

        return partial(stack, **experiment.model_dump(mode="json"), recipe=recipe_name(recipe), fresh=fresh)

    watch_and_report(load, opened, report, verbose=verbose)
