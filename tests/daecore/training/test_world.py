"""Several processes that train one network: the weights of one process, whatever is drawn, and however it ends."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from daecore.training.shared_rows import share
from daecore.training.world import ALONE

HERE = Path(__file__).parent


def run(tmp_path: Path, size: int, name: str = "") -> list[dict[str, list[float]]]:
    """What each of so many processes found, by the name of the case."""
    folder = tmp_path / f"{size}{name}"
    folder.mkdir()
    command = [sys.executable, str(HERE / "world_cases.py"), str(folder), str(size)]
    begun = [subprocess.Popen([*command, str(rank)]) for rank in range(size)]
    assert [process.wait(120) for process in begun] == [0] * size
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(size)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[dict[str, list[float]]]]:
    folder = tmp_path_factory.mktemp("world")
    return {size: run(folder, size) for size in (1, 2, 3)}


CASES = (
    "mse", "flow", "sure", "noise2noise", "noise2self", "contractive", "weight_decay", "emphasised", "cross_entropy",
    "experts", "twice", "ragged", "tiny", "average", "once", "patience", "gradient", "resumed",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [2, 3])
def test_the_weights_are_those_of_one_process(found, size: int, case: str) -> None:
    """For every objective, also those that look beside the network's output, and for batches that cannot be cut."""
    alone = torch.tensor(found[1][0][case])
    assert len(alone) > 2
    for rank in found[size]:
        torch.testing.assert_close(torch.tensor(rank[case]), alone, rtol=0, atol=2e-6)


@pytest.mark.parametrize("size", [2, 3])
def test_all_processes_end_with_the_same_numbers(found, size: int) -> None:
    """To the last bit: else a later epoch, or the end by patience, would part them."""
    first, *others = [{name: rank[name] for name in (*CASES, "statistics")} for rank in found[size]]
    assert others == [first] * (size - 1)


def test_twice_is_bit_equal(found, tmp_path: Path) -> None:
    """Two processes give the same bytes again."""
    assert run(tmp_path, 2, "again") == found[2]


def test_shares_are_whole_and_even() -> None:
    """Every row belongs to one process, and no process has more than one row more than another."""
    for rows in range(20):
        shares = [range(rows)[share(rows, rank, 3)] for rank in range(3)]
        assert [row for share in shares for row in share] == list(range(rows))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_alone_nothing_is_done() -> None:
    """No hook, no message: the loop of one process is as it was."""
    model = nn.Linear(2, 2)
    with ALONE.sharing(model):
        assert not model._forward_hooks
        assert not model._forward_pre_hooks
    ALONE.average_gradients(model)
    assert ALONE.agree([0.5], torch.device("cpu")) == [0.5]


def test_layers_that_look_at_the_batch_are_told_of(found) -> None:
    """BatchNorm sees a share; who trains so is told, once, and all processes keep the same statistics."""
    assert "normalises over the batch (1)" in found[2][0]["told"][0]
    assert not found[2][1]["told"]
    assert not found[1][0]["told"]
    assert found[2][0]["statistics"] == found[2][1]["statistics"]


def test_a_network_without_rows_is_refused(found) -> None:
    """What gives no row for each sample cannot be shared, and the message says what to do."""
    rows, _ = found[2][0]["refused"]
    assert "gave no tensor with a row for each" in rows
    assert "training.devices=1" in rows


def test_a_loss_of_which_each_process_sees_a_part_is_refused(found) -> None:
    """One that holds gradients for weights: the processes come to different losses, and all are told so."""
    told = [rank["refused"][1] for rank in found[3]]
    assert all("have come to different losses" in each for each in told)
