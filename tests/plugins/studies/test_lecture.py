"""`dae study lecture`: what is selected, what is kept, what goes on; and its gallery in a browser."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from daecore_flows.store import recipes
from daecore_flows.studies import conduct
from daecore_plugins.studies.lecture import SERIES

from daecore.device import Device
from daecore.errors import InputError
from daecore.experiment.experiment import parse, read
from daecore.experiment.feasibility import check
from daecore.study import Study, find_study

pytestmark = pytest.mark.usefixtures("stranger")  # every command is given in a stranger's folder

IDS, select = SERIES.ids, SERIES.select


def study(name: str) -> Study:
    return find_study(SERIES, name)


@pytest.mark.parametrize("name", IDS)
def test_a_study_says_what_it_is_and_names_recipes_that_are_there(name: str) -> None:
    found = study(name)
    assert found.id == name
    assert found.title
    assert len(found.description) > 80
    assert found.recipes
    assert set(found.recipes) <= recipes.recipes().keys()


@pytest.mark.parametrize("name", ["local", "halves", "perception", "answer"])
def test_the_recipes_of_a_study_without_classifiers_fit_together(name: str) -> None:
    """They can be run as they stand."""
    for recipe in study(name).recipes:
        experiment = parse(read(SERIES.recipes()[recipe]))
        check(experiment)
        assert experiment.transfer is None


def test_every_recipe_of_the_lecture_belongs_to_a_study() -> None:
    """Nothing is left over that no page shows."""
    named = {recipe for name in IDS for recipe in study(name).recipes}
    assert {name for name in recipes.recipes() if name.startswith("lecture/")} == named


def test_studies_are_conducted_in_the_lecture_s_order() -> None:
    assert select([]) == list(IDS)
    assert select(list(reversed(IDS))) == list(IDS)


def test_an_unknown_study_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no study called 'arcs'.*Did you mean 'arc'"):
        select(["arcs"])


@pytest.mark.parametrize("only", ["", " , "])
def test_an_empty_list_is_not_the_whole_lecture(only: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An unset variable of a shell must not start what takes hours."""
    from daecore_flows.cli import main

    assert main(["study", "lecture", "--only", only, "--store", str(tmp_path / "store")]) == 2
    assert "names no study; leave it out for all of them. Known: arc," in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_a_study_computes_with_one_thread_and_its_stages_with_their_own() -> None:
    """A study holds no cores: with a thread per core it would slow down whoever does."""
    own = Device(kind="cpu", precision="float32", threads=3)
    seen, before = [], torch.get_num_threads()

    def run(laboratory: object) -> None:
        seen.append(torch.get_num_threads())
        with own.apply():
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads())

    torch.set_num_threads(2)
    try:
        conduct._findings(SimpleNamespace(run=run), None)  # type: ignore[arg-type]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 3, 1]


@pytest.fixture(scope="module")
def lecture(dae: Any) -> Callable[..., str]:
    """What a quick lecture says."""

    def lecture(store: Path, *arguments: object, **more: Any) -> str:
        done = dae(store, "study", "lecture", "--quick", *arguments, **more)
        return str(done.stdout + done.stderr)

    return lecture


@pytest.fixture(scope="module")
def arc(
    tmp_path_factory: pytest.TempPathFactory, server: str, lecture: Callable[..., str]
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """A store in which the quickest study was conducted, by a new interpreter; and its report."""
    store = tmp_path_factory.mktemp("lecture") / "store"
    report = store.parent / "lecture.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", server)
        lecture(store, "--only", "arc", "--report", report, new=True)
        yield store, json.loads(report.read_text())


@pytest.mark.long
def test_the_report_has_every_figure_with_its_interval(arc: tuple[Path, dict[str, Any]]) -> None:
    (found,) = arc[1]["experiments"].values()
    assert found["run_id"]
    assert found["seconds"] > 0
    assert {"cosine", "magnitude_ratio", "relative_error"} <= found["figures"].keys()
    assert all({"value", "low", "high", "n"} <= figure.keys() for figure in found["figures"].values())


@pytest.mark.long
def test_a_second_call_reuses_the_study(
    arc: tuple[Path, dict[str, Any]], lecture: Callable[..., str], tmp_path: Path
) -> None:
    """The same numbers, from the same run."""
    said = lecture(arc[0], "--only", "arc", "--report", tmp_path / "again.json")
    again = json.loads((tmp_path / "again.json").read_text())
    assert again["experiments"] == arc[1]["experiments"]
    assert "arc: reused" in said


BROKEN = """
import sys
from daecore_flows.store.store import current_store
current_store().enter()
from daecore_flows.studies import conduct
from daecore_flows.studies.flow import study

def broken(laboratory):
    laboratory.evaluate(laboratory.experiment("digits-erasure", "training.epochs=1"))
    print("reused", *(timing.reused for timing in laboratory.call.timings))
    raise ValueError("no light")

def some(series, name, find=conduct.find_study):
    from dataclasses import replace
    return replace(find(series, name), run=broken) if name == "gap" else find(series, name)

conduct.find_study = some
study("lecture", ("arc", "gap"), quick=True)
told = study("lecture", ("arc", "gap"), quick=True)
print(told.failed, [section.id for section in told.sections])
print((current_store().root / told.gallery).read_text().count("gap failed"))
"""


@pytest.mark.long
def test_a_study_that_fails_is_told_and_the_others_are_kept(arc: tuple[Path, dict[str, Any]], program: Any) -> None:
    """What it had trained and evaluated before is in the cache when it is tried again."""
    assert program(arc[0], BROKEN) == [
        "reused False False False False", "reused True True True True",
        "{'gap': 'ValueError: no light (<program>, line 11)'} ['arc']", "1",
    ]  # fmt: skip


FRESH = """
import sys
from dataclasses import replace
from daecore_flows.store.store import current_store
current_store().enter()
from daecore.study import Findings
from daecore_flows.studies import conduct
from daecore_flows.studies.flow import study

def trains(laboratory):
    laboratory.train(laboratory.experiment("digits-erasure", "training.epochs=1", "seed=7"))
    print(*(timing.reused for timing in laboratory.call.timings if timing.stage.startswith("train ")))
    return Findings(figures={}, pictures=())

conduct.find_study = lambda series, name, find=conduct.find_study: replace(find(series, name), run=trains)
for _ in range(2):
    study("lecture", ("blur", "block"), quick=True, fresh=True)
"""


@pytest.mark.long
def test_fresh_trains_a_network_once_that_two_studies_need(arc: tuple[Path, dict[str, Any]], program: Any) -> None:
    """The second study takes what the first one has just made anew; the next lecture makes it anew again."""
    assert program(arc[0], FRESH) == ["False", "True", "False", "True"]


@pytest.mark.long
@pytest.mark.e2e
def test_the_gallery_opens_whole_in_a_browser(arc: tuple[Path, dict[str, Any]], page: Any) -> None:
    """No error on its console, every picture drawn, nothing wider than a phone."""
    (gallery,) = (arc[0] / "studies").glob("lecture*-arc.html")
    wrong: list[str] = []
    page.set_viewport_size({"width": 390, "height": 844})
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.goto(gallery.as_uri())
    widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
    assert wrong == []
    assert widths
    assert min(widths) > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
