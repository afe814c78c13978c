"""Calling stages: what Prefect is told of them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from daecore_flows.stages.caller import Caller
from daecore_flows.stages.dataset import BEGAN, DatasetRequest
from daecore_flows.stages.key import StageKey
from daecore_flows.store.process_tag import PROCESS
from prefect import tags
from prefect.context import TagsContext

REQUEST = DatasetRequest(key=StageKey(stage="", code="", plugins=(), inputs="", device=None), spec={"digits": {}})


class Stage:
    """Stands for a task; what it gives are the tags Prefect would give its run."""

    name = "stage"

    def with_options(self, **options: Any) -> "Stage":
        return self

    def __call__(self, *values: Any, return_state: bool = False) -> Any:
        result = TagsContext.get().current_tags
        return SimpleNamespace(name="Completed", result=lambda: result)


def test_a_stage_has_no_tag_of_its_process() -> None:
    """Prefect would ask its server for that tag's limit before every stage, which took up to two seconds."""
    with tags(f"{PROCESS}12:34.5", "mine"):
        assert Caller(fresh=False)(Stage(), REQUEST) == {"mine"}
        assert TagsContext.get().current_tags == {f"{PROCESS}12:34.5", "mine"}


def test_a_fresh_run_looks_past_written_sets_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a plugin, where nothing tells whether its source has changed."""
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("DAE_DATA", str(tmp_path / "data"))

    class Told(Stage):
        def __call__(self, request: DatasetRequest, *values: Any, return_state: bool = False) -> Any:
            asked.append(request.since)
            return super().__call__(return_state=return_state)

    for fresh, expected in ((False, [0, 0]), (True, [BEGAN, 0])):
        asked: list[float] = []
        call = Caller(fresh=fresh)
        for _ in range(2):
            call(Told(), REQUEST)
        assert asked == expected


class CachedStage(Stage):
    """Stands for a task whose cached result is a list, as an altered file may hold."""

    def fn(self) -> int:
        return 5

    def __call__(self, *values: Any, return_state: bool = False) -> Any:
        return SimpleNamespace(name="Cached", result=list) if return_state else self.fn()


def test_a_cached_result_of_another_type_is_computed_again() -> None:
    """Prefect reads whatever JSON a result's file holds; a stage says what it gives."""
    call = Caller(fresh=False)
    assert call(CachedStage(), REQUEST) == 5
    assert [timed.reused for timed in call.timings] == [False]
