"""Calling stages: how long each took, whether it came from the cache, and whether its files can still be believed."""

import logging
import time
from collections.abc import Callable
from typing import Any, get_type_hints

from prefect.context import TagsContext

from daecore.plugin.spec import digest

from ..store import tracking
from ..store.file_ref import FileRef
from ..store.housekeeping import CLEANING
from ..store.locks import hold
from ..store.model_ref import ModelRef
from ..store.process_tag import without_process
from ..store.store import current_store
from ..store.usage import usage, uses
from .agenda import Agenda
from .computed import keep_facts, kept_facts
from .stage import Request, Timed
from .threads import decide_threads, keys, without_threads

log = logging.getLogger("daecore.progress")


class Caller:
    """Calls stages, notes how long each took and whether it was reused, and distrusts a hit whose files are gone.

    Args:
        fresh: Whether cached results are ignored.
        run: The MLflow run that uses what the stages give, and says so; none if empty.
        known: Whether what has this key was made anew already, by somebody else.

    Attributes:
        agenda: The trainings that are planned.
    """

    def __init__(self, fresh: bool, run: str = "", known: Callable[[str], bool] = lambda key: False) -> None:
        self.fresh, self.run, self._known, self.agenda = fresh, run, known, Agenda()
        self.timings: list[Timed] = []
        self.uses: list[str] = []
        self.said = uses(tracking.client().get_run(run)) if run else set[str]()  # an earlier attempt, too
        self.made: set[str] = set()  # what is not to be made anew again, by its key

    def __call__(self, stage: Any, *values: Any, intact: Callable[[Any], bool] | None = None, name: str = "") -> Any:
        """What the stage gives.

        Args:
            stage: A Prefect task.
            values: Its arguments; the first is its request.
            intact: Whether the files of a cached result are as they were.
            name: What it is called in timings; the task's name by default.
        """
        began, name = time.perf_counter(), name or stage.name
        log.info("%s", name, extra={"stage": name})
        asked, *others = values
        anew = self.anew(asked)
        self.made.add(digest(asked.key))
        asked = asked.anew() if anew else asked
        with without_tags(), self.agenda.under_way(name), decide_threads(asked, current_store(), anew=anew) as request:
            state = stage.with_options(refresh_cache=anew)(request, *others, return_state=True)
            result, reused = state.result(), state.name == "Cached"
            believed = not reused or _is_as_declared(stage, result)
            if not (believed and self._keep(request, result, intact)):
                log.warning(
                    "%s: the cached result or its files are gone, altered or being made anew; computing it", name
                )
                result, reused = stage.with_options(refresh_cache=True)(request, *others), False
                self._keep(request, result, None)
        self.uses += _used(request, result)
        computed = self._computed(stage, request, result, reused=reused)
        seconds = time.perf_counter() - began
        self.timings.append(Timed(stage=name, seconds=seconds, reused=reused, computed=computed))
        log.info(
            "%s: %s in %.1f s", name, "reused" if reused else "done", self.timings[-1].seconds, extra={"end": name}
        )
        return result

    def _keep(self, request: Request, result: Any, intact: Callable[[Any], bool] | None) -> bool:
        """Whether a result is whole, and stays so: the run says that it uses it, and cleaning up spares it."""
        store = current_store()
        with hold(store.lock_named(CLEANING, shared=True), "what is being cleaned up"):
            if self.run and not self.said.issuperset(used := _used(request, result)):
                self.said.update(used)
                tracking.tag(self.run, usage(self.said))
            return intact is None or (intact(result) and _is_settled(request))

    def _computed(self, stage: Any, request: Request, result: Any, *, reused: bool) -> dict[str, str]:
        """With what the result was computed: just now, which is noted, or when it was."""
        if not reused:
            keep_facts(stage, request, result, current_store())
        return kept_facts(request, current_store())

    def anew(self, request: Request) -> bool:
        """Whether what is asked for is to be made anew: once, not each time it is asked for."""
        made = digest(request.key) in self.made
        return self.fresh and not made and not any(map(self._known, keys(request, current_store())))


def without_tags() -> TagsContext:
    """A block whose stages lack the flow run's tag of its process.

    Before each stage Prefect asks its server for the limits of the stage's tags, which takes two seconds where the
    server has closed the connection meanwhile, as it does after five.
    """
    return TagsContext(current_tags=set(without_process(TagsContext.get().current_tags)))


def _left_behind(result: Any) -> list[str]:
    """What a stage left behind, by the name under which cleaning up must spare it."""
    if isinstance(result, ModelRef):
        return [result.run_id]
    files = [result] if isinstance(result, FileRef) else getattr(result, "files", {}).values()
    return list({name for file in files for name in file.path.split("/")[1:2]})  # none of what lies in no folder


def _used(request: Request, result: Any) -> list[str]:
    """The names under which cleaning up must spare what a stage was asked, and what it gave."""
    return [digest(request.key), without_threads(request), *_left_behind(result)]


def _is_as_declared(stage: Any, result: Any) -> bool:
    """Whether a cached result is what the stage says it gives: Prefect reads whatever JSON its file holds."""
    return isinstance(result, get_type_hints(stage.fn).get("return", object))


def _is_settled(request: Request) -> bool:
    """Whether no later training under this key was stopped on its way, which is then to go on."""
    store = current_store()
    return not store.files.holds(store.checkpoint(digest(request.key)))


def intact(result: Any) -> bool:
    """Whether every file of a record is there as it was written, and the run it came from, where it names one."""
    store, run = current_store(), getattr(result, "run_id", "")
    if isinstance(result, ModelRef | FileRef):
        files = [result.weights if isinstance(result, ModelRef) else result]
    else:
        files = list(result.files.values())
    return all(file.intact(store) for file in files) and (not run or tracking.exists(run))
