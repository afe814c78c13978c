"""Cleaning up, and finding runs: pages are followed, nothing goes because a list left it out, many runs cost nothing.

The runs are rows put straight into MLflow's database, as many in seconds as years of work make.
"""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from daecore_flows.cli import main
from daecore_flows.store import housekeeping, lookup, removing, tracking
from daecore_flows.store.lookup import find_run, find_version
from daecore_flows.store.store import Store
from daecore_flows.store.tracking import registry, search
from daecore_flows.store.usage import USES, usage
from mlflow.exceptions import MlflowException

from daecore.errors import InputError

HOUR = 3_600_000  # milliseconds
BEGAN = 1_700_000_000_000
MANY = 50_001  # MLflow gives 50,000 runs at most in one answer
SECONDS = 4.0  # of one CPU; an idle machine takes a tenth of it, and reading every run takes minutes


@contextmanager
def entered(store: Store) -> Iterator[Store]:
    """The process uses this store for as long as the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAE_MLFLOW_URI", raising=False)
        for name, value in store.environment().items():
            patch.setenv(name, value)
        yield store


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Store:
    """A store with a database and one experiment: MLflow takes seconds to make one."""
    folder = tmp_path_factory.mktemp("template")
    made = Store(folder / "store", folder / "data")
    with entered(made):
        made.enter()
        shutil.copy(empty_database, made.database)
        tracking.prepare(made)
        tracking.experiment_id("digits", made)
    return made


@pytest.fixture
def store(template: Store, tmp_path: Path) -> Iterator[Store]:
    """A store without runs."""
    with entered(copied(template, tmp_path)) as made:
        yield made


@pytest.fixture(scope="module")
def filled(template: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    made = copied(template, tmp_path_factory.mktemp("many"))
    fill(made, range(MANY))
    return made


@pytest.fixture
def many(filled: Store) -> Iterator[Store]:
    """A store with 50,001 runs."""
    with entered(filled):
        yield filled


@pytest.fixture
def clock() -> Iterator[None]:
    """What the test does takes a moment."""
    began = time.process_time()
    yield
    assert time.process_time() - began < SECONDS


def copied(template: Store, folder: Path) -> Store:
    made = Store(folder / "store", folder / "data")
    with entered(made):
        made.enter()
    with sqlite3.connect(template.database) as source, sqlite3.connect(made.database) as target:
        source.backup(target)
        target.execute("update experiments set artifact_location = ?", ((made.artifacts / "digits").as_uri(),))
    return made


def run_id(number: int) -> str:
    """An id that begins otherwise than its neighbours' do."""
    return f"{number * 2_654_435_761 % 2**32:08x}{number:024x}"


def fill(store: Store, numbers: Iterable[int], *, stage: str = "denoise", **more: str) -> None:
    """Put finished runs into the database, one an hour: a later number began later."""
    rows = sorted((run_id(number), number) for number in numbers)
    with sqlite3.connect(store.database) as database:
        database.executemany(
            "insert into runs (run_uuid, name, source_type, user_id, status, start_time, end_time, lifecycle_stage,"
            " artifact_uri, experiment_id) values (?, ?, 'UNKNOWN', '', 'FINISHED', ?, ?, 'active', ?, 1)",
            (
                (one, f"run {number}", BEGAN + number * HOUR, BEGAN + number * HOUR, str(store.artifacts / one))
                for one, number in rows
            ),
        )
        for key, value in {"mlflow.runName": "run {}", "stage": stage, **more}.items():
            database.executemany(
                "insert into tags (key, value, run_uuid) values (?, ?, ?)",
                ((key, value.format(number), one) for one, number in rows),
            )


def removed(run: str) -> set[str]:
    return {one.info.run_id for one in removing.removable(tracking.client().get_run(run))}


def test_pages_are_followed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of runs, and of experiments; the last page may be full."""
    monkeypatch.setattr(search, "PAGE", 4)
    fill(store, range(12))
    assert [run.info.run_name for run in tracking.runs()] == [f"run {number}" for number in range(11, -1, -1)]
    assert [run.info.run_name for run in tracking.runs(limit=6)] == [f"run {number}" for number in range(11, 5, -1)]
    first = SimpleNamespace(experiments=["a"], token="more")
    pages = {None: first, "more": SimpleNamespace(experiments=["b"], token=None)}

    class Page(list[str]):
        token: str | None = None

    def asked(page_token: str | None) -> Page:
        page = Page(pages[page_token].experiments)
        page.token = pages[page_token].token
        return page

    assert list(search.each_page(asked)) == ["a", "b"]


def test_a_registered_model_s_name_may_have_a_quote_in_it(store: Store) -> None:
    """It is asked for as MLflow's queries write a text; a version is registered once."""
    fill(store, [1, 2])
    name = "the baker's"
    tracking.client().create_registered_model(name)
    tags = {registry.TRAINED_BY: run_id(1)}
    made = tracking.client().create_model_version(name, str(store.artifacts), run_id(1), tags=tags)
    assert tracking.register(name, run_id(1), run_id(2), {}) == str(made.version)


def test_registered_models_beyond_a_page_are_seen(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names, and the champion among them."""
    monkeypatch.setattr(registry, "PAGE", 2)
    fill(store, [1, 2])
    for number in range(5):
        tracking.client().create_registered_model(f"model-{number}")
    tags = {registry.REPORTED_BY: run_id(1)}
    made = tracking.client().create_model_version("model-4", str(store.artifacts), run_id(1), tags=tags)
    assert tracking.registered_names() == [f"model-{number}" for number in range(5)]
    assert tracking.champion_made_by(run_id(1)) == ""
    tracking.give_alias("model-4", "champion", made.version)
    assert tracking.champion_made_by(run_id(1)) == "models:/model-4@champion"
    assert tracking.champion_made_by(run_id(2)) == ""
    with pytest.raises(InputError, match="made models:/model-4@champion, which is in use"):
        removed(run_id(1))
    with pytest.raises(InputError, match=r"Did you mean 'model-\d' or"):
        find_version("models:/model-9@champion")


def test_a_run_takes_the_trainings_along_that_nobody_else_needs(store: Store) -> None:
    """Its own and those it reused; one that another run uses stays, as does one whose own run is there."""
    fill(store, [1], **{USES: " ".join(map(run_id, (10, 11, 13)))})
    fill(store, [2], **{USES: run_id(11)})
    fill(store, [3])
    fill(store, [10, 11, 12], stage="train_autoencoder", **{tracking.PARENT: run_id(1)})
    fill(store, [13], stage="train_autoencoder", **{tracking.PARENT: run_id(3)})
    assert removed(run_id(1)) == {run_id(1), run_id(10), run_id(12)}
    tracking.client().delete_run(run_id(2))
    tracking.client().delete_run(run_id(3))
    assert removed(run_id(1)) == {run_id(1), *map(run_id, (10, 11, 12, 13))}


def test_a_training_that_a_study_names_in_a_later_tag_stays(store: Store) -> None:
    """A study is made of more than one tag holds."""
    named = usage([*(f"{number:064x}" for number in range(60)), run_id(10)])
    assert list(named) == ["dae.uses", "dae.uses.1"]
    fill(store, [1], **{USES: run_id(10)})
    fill(store, [2], stage="study", study="it", quick="True", **named)
    fill(store, [10], stage="train_autoencoder", **{tracking.PARENT: run_id(1)})
    assert removed(run_id(1)) == {run_id(1)}


def test_a_training_goes_whose_study_was_conducted_again(store: Store) -> None:
    """The study that made it is there, but another of its kind came after it."""
    fill(store, [1, 5], stage="study", study="it", quick="True")
    fill(store, [2], **{USES: run_id(10)})
    fill(store, [10], stage="train_autoencoder", **{tracking.PARENT: run_id(1)})
    assert removed(run_id(2)) == {run_id(2), run_id(10)}
    tracking.client().delete_run(run_id(5))
    assert removed(run_id(2)) == {run_id(2)}


def test_caches_stay_that_the_oldest_kept_run_uses(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages lie before it; the newest that is not kept loses its own."""
    monkeypatch.setattr(housekeeping, "PAGE", 4)
    fill(store, range(12), **{USES: "result-{}"})
    for number in range(12):
        (store.results / f"result-{number}").touch()
    found = {item.path.name for item in housekeeping.collectable(store, keep=10)}
    assert found == {"result-0", "result-1"}


def living(store: Store, number: int, **tags: str) -> str:
    """A run that is under way, begun just now."""
    fill(store, [number], **tags)
    with sqlite3.connect(store.database) as database:
        now = int(time.time() * 1000)
        database.execute("update runs set status = 'RUNNING', start_time = ? where run_uuid = ?", (now, run_id(number)))
    return run_id(number)


def test_what_a_living_run_uses_or_has_made_stays(store: Store) -> None:
    """What it has said it uses, and what is as young as it is; anything else goes as ever."""
    living(store, 1, **{USES: "used"})
    for name in ("used", "unused", "young"):
        (store.results / name).mkdir()
        (store.results / name / "file").touch()
    for name in ("used", "unused"):
        for path in (store.results / name / "file", store.results / name):
            os.utime(path, (BEGAN / 1000, BEGAN / 1000))
    found = housekeeping.collectable(store, keep=0)
    assert [item.path.name for item in found] == ["unused"]
    assert housekeeping.collect(store, 0, found) == found
    assert sorted(path.name for path in store.results.iterdir()) == ["used", "young"]


def test_what_came_into_use_while_somebody_was_asked_stays(store: Store) -> None:
    """Between the list and the answer."""
    fill(store, [1], **{USES: "later"})
    (store.results / "later").mkdir()
    (store.results / "never").mkdir()
    found = housekeeping.collectable(store, keep=0)
    assert {item.path.name for item in found} == {"later", "never"}
    living(store, 2, **{USES: "later"})
    for name in ("later", "never"):
        os.utime(store.results / name, (BEGAN / 1000, BEGAN / 1000))
    assert [item.path.name for item in housekeeping.collect(store, 0, found)] == ["never"]
    assert (store.results / "later").is_dir()


def test_a_training_that_a_living_run_uses_is_not_removed_with_another(store: Store) -> None:
    """It has said so, if only while somebody was asked."""
    fill(store, [1])
    fill(store, [2], stage="train_autoencoder", **{tracking.PARENT: run_id(1)})
    found = removing.removable(tracking.client().get_run(run_id(1)))
    assert [run.info.run_id for run in found] == [run_id(1), run_id(2)]
    going = living(store, 3, **{USES: run_id(2)})
    assert [run.info.run_id for run in removing.remove(store, found)] == [run_id(1)]
    assert tracking.exists(run_id(2))
    with pytest.raises(InputError, match="is going on"):
        removing.removable(tracking.client().get_run(going))


def test_a_model_goes_with_its_run_alone(store: Store) -> None:
    """And one that MLflow does not know; one that no run made, and one of a living run, stay."""
    fill(store, [1, 2])
    models = store.artifacts / "digits" / "models"
    made = {
        run: tracking.client().create_logged_model("1", source_run_id=run).model_id for run in (run_id(1), run_id(2))
    }
    alone = tracking.client().create_logged_model("1").model_id
    for name in (*made.values(), alone, "m-" + "0" * 32, "mine"):
        (models / name).mkdir(parents=True, exist_ok=True)
    assert {item.path.name for item in housekeeping.collectable(store, keep=9)} == {"m-" + "0" * 32}
    tracking.client().delete_run(run_id(2))
    found = {item.path.name for item in housekeeping.collectable(store, keep=9)}
    assert found == {"m-" + "0" * 32, made[run_id(2)]}


def test_a_run_of_a_deleted_experiment_that_came_back_keeps_its_files(store: Store) -> None:
    """It is looked for in every experiment."""
    fill(store, [1])
    tracking.client().delete_experiment("1")
    tracking.client().restore_run(run_id(1))
    try:
        assert tracking.find_gone([run_id(1)]) == set()
    finally:
        tracking.client().restore_experiment("1")


def test_a_database_that_does_not_answer_is_no_deleted_run(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever MLflow says but that it does not know the run is passed on."""
    fill(store, [1])

    def failing(run: str) -> None:
        raise MlflowException("the disk is gone")

    monkeypatch.setattr(search, "client", lambda: SimpleNamespace(get_run=failing))
    with pytest.raises(MlflowException, match="the disk is gone"):
        tracking.exists(run_id(1))


@pytest.mark.parametrize("name", ["it's mine", 'the "best"', "100 %", "a_b"])
def test_a_run_is_found_by_any_name(store: Store, name: str) -> None:
    """Quotes and wildcards mean themselves."""
    fill(store, [1, 2])
    tracking.client().update_run(run_id(1), name=name)
    assert find_run(name).info.run_id == run_id(1)
    with pytest.raises(InputError, match="There is no run"):
        find_run(name.replace("_", "x").replace("%", "?").replace("'", "%").replace('"', "_"))


def test_an_unknown_run_names_the_nearest(store: Store) -> None:
    """And what lists them all; a text that no query can hold is unknown, too."""
    fill(store, range(30))
    with pytest.raises(InputError, match=r"There is no run 'run 111'. Did you mean 'run 1\d'.*`dae runs` lists"):
        find_run("run 111")
    with pytest.raises(InputError, match="There is no run"):
        find_run("""it's "mine\"""")
    assert lookup.FEW < 30


def folder(store: Store, run: str) -> Path:
    made = store.artifacts / "digits" / run
    made.mkdir(parents=True, exist_ok=True)
    (made / "report.json").touch()
    return made


@pytest.mark.usefixtures("clock")
def test_the_files_of_the_oldest_of_50_001_living_runs_stay(many: Store) -> None:
    """Only what MLflow calls deleted, or does not know when it is asked for it, may go; a stranger's folder stays."""
    living, removed, unknown = run_id(0), run_id(1), "f" * 32
    folders = {run: folder(many, run) for run in (living, removed, unknown, run_id(MANY - 1), "notes")}
    tracking.client().delete_run(removed)
    try:
        found = {item.path for item in housekeeping.collectable(many, keep=50_000)}
    finally:
        tracking.client().restore_run(removed)
    assert found == {folders[removed], folders[unknown]}


@pytest.mark.usefixtures("clock")
def test_the_last_runs_are_found_among_50_001(many: Store) -> None:
    """`dae runs` and `dae status` ask for as many as they show."""
    names = [run.info.run_name for run in tracking.runs(tracking.WHOLE, 20)]
    assert names == [f"run {number}" for number in range(MANY - 1, MANY - 21, -1)]


@pytest.mark.usefixtures("clock")
def test_runs_are_listed_as_json_under_fixed_names(many: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """What the table says; nothing where a run does not know."""
    tracking.log_metrics(run_id(MANY - 1), {"restored_db": 15.25, "gain_db.mean": 0.5})
    assert main(["runs", "--limit", "2", "--json", "--store", str(many.root)]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert first == {
        "run_id": run_id(MANY - 1), "name": "run 50000", "state": "FINISHED", "restored_db": 15.25, "gain_db": 0.5,
        "started": "2029-07-29T06:13:20+00:00",
        "verified": None,
        "verified_at": None,
    }  # fmt: skip
    assert (second["name"], second["restored_db"], second["gain_db"]) == ("run 49999", None, None)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("text", [run_id(7), run_id(7)[:8], "run 7"], ids=["id", "beginning", "name"])
def test_a_run_is_found_among_50_001(many: Store, text: str) -> None:
    """By its id, the beginning of it, or its name."""
    assert find_run(text).info.run_id == run_id(7)


@pytest.mark.usefixtures("clock")
def test_what_many_runs_may_mean_is_told_in_a_line(many: Store) -> None:
    """A few of them are named, not thousands."""
    with pytest.raises(InputError, match=r"may mean several runs: (\w{12}, ){7}\w{12} and more\. Give more") as told:
        find_run("a")
    assert len(str(told.value)) < 240


@pytest.mark.usefixtures("clock")
def test_removing_a_run_of_50_001_asks_for_its_own_trainings(many: Store) -> None:
    """None here has any: the run goes alone."""
    run = find_run("run 50000")
    assert [one.info.run_id for one in removing.removable(run)] == [run.info.run_id]


@pytest.mark.usefixtures("clock")
def test_a_sweep_asks_which_of_its_own_runs_are_still_there(many: Store) -> None:
    """A thousand trials that finished, one of them removed since, and one that never was."""
    trials = {run_id(number) for number in range(1000)}
    tracking.client().delete_run(run_id(500))
    try:
        assert tracking.find_finished({*trials, "f" * 32}) == trials - {run_id(500)}
    finally:
        tracking.client().restore_run(run_id(500))
