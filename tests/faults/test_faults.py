"""Ten kills of one run at random instants: it comes to the very end of one that nothing happened to."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from campaign import Table
from commands import Warm
from daecore_flows.studies.laboratory import read_recipe
from kinds import KILLED, TREE
from outcome import differences
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


LINE, OTHER = '["train", "it", "key", [["loss", 1, 0.5]], "aa"]', '["train", "it", "key", [["loss", 1, 0.5]], "bb"]'
ATTEMPT = '["denoise", "it", "", [["psnr", 0, 20.5]], ""]'


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({LINE: 1, ATTEMPT: 1}, []),
        ({LINE: 1, ATTEMPT: 2}, []),
        ({LINE: 2, ATTEMPT: 1}, ["doubled"]),
        ({OTHER: 1, ATTEMPT: 1}, ["missing", "different"]),
        ({ATTEMPT: 1}, ["missing"]),
    ],
)
def test_the_balance_sees_what_is_missing_different_or_doubled(found: dict[str, int], said: list[str]) -> None:
    """An attempt that was given twice is two."""
    reference = Counter({LINE: 1, ATTEMPT: 1})
    assert [word.split(":")[0] for word in differences(reference, Counter(found))] == said


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
