"""A studio of which parts are killed while a run trains: it goes on, once, whatever died."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from studio import Studio

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("stranger")]  # `dae up` is given in a stranger's folder
NETWORK = {"conv": {"widths": [16, 32], "code": 16}}  # whose epochs last long enough to be stopped in
EPOCHS = 80
LONG = {"training": {"epochs": EPOCHS, "batch": 64, "threads": 1}, "transfer": None, "architecture": NETWORK}


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A studio of which tests kill what they like: each begins it again where it is down."""
    made = Studio(tmp_path_factory.mktemp("mortal") / "store")
    yield made
    made.end()


@pytest.fixture
def fallible(mortal: Any) -> Any:
    """The same, up."""
    return mortal if mortal.lives else mortal.up()


SEEDS = count(1)


def killed_in_training(studio: Any, wait_until: Any, *words: str) -> tuple[str, int]:
    """Submit a long run, and kill -9 what has these words in its command line once it trains; its seed, too."""
    seed = next(SEEDS)
    flow_run = studio.submit("denoise/digits-erasure", **LONG, seed=seed)
    wait_until(lambda: list((studio.root / "checkpoints").glob("*.safetensors")), 300, studio.logs)
    for process in [found for word in words for found in studio.processes(word)]:
        process.kill()
    return flow_run, seed


def goes_on_once(studio: Any, flow_run: str, seed: int) -> None:
    """The run ends Completed and FINISHED, it was trained once, and nothing is left RUNNING."""
    assert studio.finished(flow_run) == "Completed"
    (run,) = studio.runs(f"tags.`prefect.flow_run_id` = '{flow_run}'")
    assert run.info.status == "FINISHED"
    (training,) = studio.runs(f"tags.stage = 'train_autoencoder' and params.seed = '{seed}'")
    assert training.info.status == "FINISHED"
    assert studio.history(training.info.run_id) == list(range(1, EPOCHS + 1))
    assert studio.runs("attributes.status = 'RUNNING'") == []


ENGINE, RUNNER = "daecore_flows.studio.flow_run", "daecore_flows.studio.serving"


def test_a_killed_flow_goes_on_in_the_same_studio(fallible: Any, wait_until: Any) -> None:
    """SIGKILL of the flow's process: queued again, and resumed from its last whole epoch."""
    goes_on_once(fallible, *killed_in_training(fallible, wait_until, ENGINE))


def test_a_server_that_dies_comes_back_and_what_trains_goes_on(fallible: Any, wait_until: Any) -> None:
    """SIGKILL of MLflow's server: it answers again at its address, and the user is told."""
    goes_on_once(fallible, *killed_in_training(fallible, wait_until, "mlflow server"))
    assert "MLflow's server had ended and was started again" in fallible.said
    assert fallible.process.poll() is None


@pytest.mark.parametrize("words", [[RUNNER], [RUNNER, ENGINE]], ids=["runner", "runner-and-flow"])
def test_after_a_killed_runner_the_next_up_goes_on(fallible: Any, wait_until: Any, words: list[str]) -> None:
    """SIGKILL of the runner, alone or with the flow: `dae up` ends with all it started, and the next one resumes."""
    killed = killed_in_training(fallible, wait_until, *words)
    assert fallible.process.wait(180) == 1
    assert "The runner ended" in fallible.said
    assert "runner.log" in fallible.said
    wait_until(lambda: not fallible.processes(), 120)
    goes_on_once(fallible.up(), *killed)


def test_a_killed_studio_leaves_nothing_behind_and_its_run_goes_on_with_the_next_up(
    fallible: Any, wait_until: Any
) -> None:
    """SIGKILL of `dae up` itself: its training, servers and runner end by themselves, in this order."""
    killed = killed_in_training(fallible, wait_until)
    fallible.process.kill()
    fallible.process.wait()
    assert len(fallible.processes()) >= 4
    wait_until(lambda: not fallible.processes(), 60)
    assert fallible.runs("attributes.status = 'RUNNING'") == []
    goes_on_once(fallible.up(), *killed)


def test_a_run_that_was_under_way_at_ctrl_c_goes_on_with_the_next_up(fallible: Any, wait_until: Any) -> None:
    """Ctrl-C ends everything within seconds, and the next `dae up` takes up what was under way."""
    killed = killed_in_training(fallible, wait_until)
    fallible.down()
    assert fallible.process.returncode == 0
    assert fallible.processes() == []
    assert fallible.runs("attributes.status = 'RUNNING'") == []
    goes_on_once(fallible.up(), *killed)


def test_a_command_beside_a_studio_that_is_killed_goes_on(fallible: Any, wait_until: Any, started: Any) -> None:
    """It asks the database for what MLflow's server knew, and stands in for Prefect's."""
    words = [f"training.epochs={EPOCHS}", "training.threads=1", "transfer=null", "seed=99", "training.batch=16"]
    begun = started(fallible.root, "run", "digits-erasure", *(word for it in words for word in ("--set", it)))
    wait_until(lambda: list((fallible.root / "checkpoints").glob("*.safetensors")), 120, fallible.logs)
    fallible.process.kill()
    fallible.process.wait()
    assert begun.wait(240) == 0
    wait_until(lambda: not fallible.processes(), 60)
    assert fallible.runs("attributes.status = 'RUNNING'") == []
    fallible.up()
    (training,) = fallible.runs("tags.stage = 'train_autoencoder' and params.seed = '99'")
    assert fallible.history(training.info.run_id) == list(range(1, EPOCHS + 1))
    (run,) = fallible.runs("tags.stage = 'denoise' and params.seed = '99'")
    assert fallible.state(run.data.tags["prefect.flow_run_id"]) == "Completed"
