"""Ten kills of one run at random instants: it comes to the very end of one that nothing happened to."""

import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from campaign import Table
from commands import Warm
from daecore_flows.studies.laboratory import read_recipe
from kinds import KILLED, TREE
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient
from outcome import computed, differences
from strike import Hit, kill_again_and_again, refer
from subjects import FLOWS, RUN, Flow
from victim import Bench, Mark, durations, warm

KILLS, ROUNDS = 10, 3


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    process = warm(tmp_path_factory.mktemp("faults"))
    yield process
    process.end()


@pytest.mark.long
def test_ten_kills_at_random_instants_lose_nothing(begin: Warm, tmp_path: Path) -> None:
    """Bit-equal figures and weights, no step missing or doubled, nothing RUNNING, nothing left behind."""
    reference, rng, hits = refer(begin, RUN, tmp_path / "undisturbed"), Random(), list[Hit]()
    for number in range(ROUNDS):
        targets = [(stage, rng.choice([KILLED, TREE])) for stage in reference.seconds][: KILLS - len(hits)]
        hits += kill_again_and_again(begin, RUN, reference, targets, Bench(tmp_path / str(number)), rng)
    assert [hit for hit in hits if hit.lost] == []
    assert len(hits) >= KILLS


@pytest.mark.parametrize("flow", [flow for flow in FLOWS if flow.name != "study"], ids=lambda flow: flow.name)
def test_each_flow_s_experiment_can_be_run(flow: Flow) -> None:
    """It is not refused only when hours have gone by."""
    changes = [after for before, after in pairwise(flow.words) if before == "--set"]
    assert read_recipe(flow.words[1], changes).training.epochs == 12


LINE = '["train", "it", "key", [["loss", 1, 0.5]], "aa", []]'
OTHER = LINE.replace("aa", "bb")
CRASHED = '["sweep", "it", "", [["trials.crashed", 0, 1.0]], "", []]'
ATTEMPT = '["denoise", "it", "", [["psnr", 0, 20.5]], "", []]'


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({LINE: 1, ATTEMPT: 1}, []),
        ({LINE: 1, ATTEMPT: 2}, []),
        ({LINE: 2, ATTEMPT: 1}, ["doubled"]),
        ({OTHER: 1, ATTEMPT: 1}, ["missing", "different"]),
        ({ATTEMPT: 1}, ["missing"]),
        ({LINE: 1, ATTEMPT: 1, CRASHED: 1}, []),
        ({LINE: 1, ATTEMPT: 1, CRASHED.replace("1.0", "0.0"): 1}, ["different"]),
    ],
)
def test_the_balance_sees_what_is_missing_different_or_doubled(found: dict[str, int], said: list[str]) -> None:
    """An attempt that was given twice is two."""
    reference = Counter({LINE: 1, ATTEMPT: 1})
    assert [word.split(":")[0] for word in differences(reference, Counter(found))] == said


FIGURES = {"loss": 0.5, "epoch_seconds": 2.0, "images_per_second": 3.0, "system/load": 1.0}


class Told:
    """A run with two epochs and a picture in a store of its own."""

    def __init__(self, store: Path, database: Path, *, seconds: float = 2.0) -> None:
        store.mkdir()
        shutil.copy(database, store / "mlflow.db")
        self.client, self.store = MlflowClient(f"sqlite:///{store / 'mlflow.db'}"), store
        experiment = self.client.create_experiment("it", artifact_location=str(store / "artifacts" / "it"))
        self.run = self.client.create_run(experiment, tags={"dae.key": "k", "stage": "train"}, run_name="a").info.run_id
        figures = {**FIGURES, "epoch_seconds": seconds}
        self.client.log_batch(self.run, [Metric(key, it, 1, step) for key, it in figures.items() for step in (1, 2)])
        self.picture(1)

    def figure(self, key: str, value: float, time: int = 1) -> None:
        self.client.log_batch(self.run, [Metric(key, value, time, 2)])

    def picture(self, time: int) -> None:
        folder = self.store / "artifacts" / "it" / self.run / "artifacts" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"restored+step+1+timestamp+{time}+{uuid4()}.png").touch()

    def computed(self) -> Counter[str]:
        self.client.set_terminated(self.run, "FINISHED")
        return computed(self.store)


@pytest.mark.parametrize("change", ["", "loss", "epoch_seconds", "validation_loss", "picture"])
def test_the_balance_reads_each_figure_and_each_picture(tmp_path: Path, empty_database: Path, change: str) -> None:
    """One that is there twice, or is no number, is seen; how long something took is not compared."""
    one = Told(tmp_path / "one", empty_database)
    other = Told(tmp_path / "other", empty_database, seconds=9.5)
    if change == "validation_loss":
        one.figure(change, 0.0)
        other.figure(change, float("nan"))
    elif change == "picture":
        other.picture(2)
    elif change:
        other.figure(change, 0.5, time=2)
    assert (differences(one.computed(), other.computed()) == []) is (not change)


def test_how_long_a_stage_takes_is_taken_from_its_own_process() -> None:
    marks = [Mark(0, 1, "begin", "a"), Mark(1, 2, "begin", "a"), Mark(3, 1, "end", "a"), Mark(9, 2, "end", "a")]
    assert durations(marks) == {"a": 8}


def test_the_table_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "faults.jsonl"
    Table(path).add([Hit(KILLED.name, "run", "train_autoencoder"), Hit(TREE.name, "run", "transfer", ["it"])])
    table = Table(path)
    assert table.count("run", stage="transfer") == table.count("run", kind=KILLED.name) == 1
    assert "all" in table.text()
    assert table.text().splitlines()[1].split()[-3:] == ["1", "0", "1"]
