"""Two machines and one store, all real: PostgreSQL, S3, commands and studios in folders of their own."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from daecore_flows.store.locks import hold
from daecore_flows.store.shared.advisory_lock import AdvisoryLock, held_locks, require_held
from daecore_flows.store.shared.database import require_store
from daecore_flows.store.shared.location import SharedLocation, parse_location
from PIL import Image
from servers import Bucket, Postgres
from studio import Studio, wait_until

from daecore.errors import StoreError

pytestmark = [pytest.mark.long, pytest.mark.cluster]

SMALL = ["digits-erasure", "--set", "training.epochs=3", "--set", "training.threads=1"]
STAGES = {"load_dataset", "train_autoencoder", "measure_baselines", "evaluate_denoising", "train_control", "transfer"}
EPOCHS = 120
# A command of another machine: its process numbers mean nothing here.
ELSEWHERE = """
import sys
from pathlib import Path
from daecore_flows.store import host
host.MACHINE = Path(sys.argv.pop(1))
from daecore_flows.cli import main
sys.exit(main(sys.argv[1:]))
"""
RECONCILE = """
from daecore_flows.store import tracking
from daecore_flows.store.store import current_store
current_store().enter()
tracking.prepare(current_store())
print(tracking.reconcile())
print(*(run.info.status for run in tracking.runs("attributes.status = 'RUNNING'")))
"""
HOLD = """
import time
from daecore_flows.store.store import current_store
with current_store().lock("training-7") as waited:
    print(waited, flush=True)
    time.sleep(99)
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.end()


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    server = Bucket()
    yield server
    server.end()


@pytest.fixture(scope="module")
def location(postgres: Postgres, bucket: Bucket) -> Iterator[SharedLocation]:
    """The store of this module; the environment names it, as on every machine that shares it."""
    found = parse_location(postgres.url, bucket.url)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        for name, value in bucket.environment.items():
            patch.setenv(name, value)
        require_store(found)
        yield found


@pytest.fixture
def named(location: SharedLocation, monkeypatch: pytest.MonkeyPatch) -> SharedLocation:
    monkeypatch.setenv("DAE_DATABASE", location.database)
    monkeypatch.setenv("DAE_ARTIFACTS", location.artifacts)
    return location


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of two machines."""
    folder = tmp_path_factory.mktemp("machines")
    return folder / "one", folder / "other"


def test_a_run_of_one_machine_is_a_cache_hit_on_the_other(
    named: SharedLocation, machines: tuple[Path, Path], dae: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every stage; and there it is compared, run again, retrained, used to restore, looked after and cleaned up."""
    one, other = machines
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    dae(one, "run", *SMALL, "--report", first, new=True)
    dae(other, "run", *SMALL, "--report", second, new=True)
    made, found = (json.loads(path.read_text()) for path in (first, second))
    assert made["reused"] == []
    assert set(found["reused"]) == STAGES
    assert found["training"]["weights_sha256"] == made["training"]["weights_sha256"]
    assert found["denoising"] == made["denoising"]
    for name in ("DAE_DATABASE", "DAE_ARTIFACTS"):
        monkeypatch.delenv(name)  # the folder remembers
    ours, theirs = (report["mlflow"]["run_id"] for report in (made, found))
    assert f"{made['denoising']['restored_db']:.2f}" in dae(other, "compare", ours, theirs).stdout
    dae(other, "rerun", ours, "--report", second)
    assert set(json.loads(second.read_text())["reused"]) == STAGES
    dae(other, "retrain", *SMALL, "--model", "digits")
    Image.new("L", (8, 8), 99).save(tmp_path / "digit.png")
    dae(one, "restore", "models:/digits@champion", tmp_path / "digit.png", tmp_path / "restored.png")
    with Image.open(tmp_path / "restored.png") as restored:
        assert restored.size == (8, 8)
    assert "✗" not in dae(other, "doctor").stdout
    dae(other, "rm", theirs, "--yes")
    assert "Deleted." in dae(one, "gc", "--keep", "9", "--yes").stdout
    assert "There is no run" in dae(one, "restore", theirs, tmp_path / "digit.png", tmp_path / "b.png", status=2).stderr
    dae(one, "restore", ours, tmp_path / "digit.png", tmp_path / "c.png")


def test_a_living_run_of_one_machine_is_left_alone_by_the_other(
    named: SharedLocation, machines: tuple[Path, Path], program: Any, environment: Any, tmp_path: Path, dae: Any
) -> None:
    """Its process is not looked for among the other's, `gc` spares what it uses; killed, its training goes on there."""
    one, other = machines
    identity = tmp_path / "machine-id"
    identity.write_text("another machine")
    settings = ("training.epochs=400", "training.threads=1", "training.batch=64", "transfer=null")
    long = ["run", "digits-erasure", *(word for it in settings for word in ("--set", it))]
    command, begun = [sys.executable, "-P", "-c", ELSEWHERE, str(identity), *long], tmp_path / "said"
    with begun.open("w") as said:
        living = subprocess.Popen(command, env=environment(one), stdout=said, stderr=said)
    wait_until(lambda: list((one / "checkpoints").glob("*")) or living.poll() is not None, 120, begun.read_text)
    left_alone = program(other, RECONCILE)
    dae(other, "gc", "--keep", "0", "--yes")
    assert living.poll() is None, begun.read_text()
    living.kill()
    living.wait()
    assert left_alone == ["[]", "RUNNING RUNNING"]
    report = tmp_path / "report.json"
    done = dae(other, *long, "--report", report, new=True)
    assert "going on after epoch" in done.stderr
    found = json.loads(report.read_text())
    assert found["training"]["epochs"] == 400
    assert "load_dataset" in found["reused"]


def test_a_lock_is_free_a_second_after_its_holder_is_killed(
    named: SharedLocation, environment: Any, tmp_path: Path
) -> None:
    """Whatever machine it was on; the doctor of each tells what is held."""
    command = [sys.executable, "-P", "-c", HOLD]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "False\n"
        lock = AdvisoryLock(named, "training-7")
        assert not lock.take()
        assert held_locks(named) == ["training-7"]
        process.kill()
        killed = time.monotonic()
        with hold(lock, "training-7"):
            assert time.monotonic() - killed < 1
    assert held_locks(named) == []


def test_a_lock_is_held_alone_or_by_several_of_a_kind(named: SharedLocation) -> None:
    with closing(AdvisoryLock(named, "a")) as alone, closing(AdvisoryLock(named, "a", shared=True)) as one:
        with closing(AdvisoryLock(named, "a", shared=True)) as other:
            assert one.take()
            assert other.take()
            assert not alone.take()
        one.close()
        assert alone.take()


def test_who_lost_a_lock_with_the_database_is_told(
    postgres: Postgres, named: SharedLocation, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody else may have held it meanwhile."""
    with hold(AdvisoryLock(named, "a"), "a"):
        postgres.stop()
        postgres.begin()
    assert "nobody held a meanwhile" in caplog.text


def test_a_lock_that_was_lost_is_taken_again_unless_somebody_has_it(
    postgres: Postgres, named: SharedLocation, caplog: pytest.LogCaptureFixture
) -> None:
    """Before anything is changed that others read: two would write one training's files."""
    with closing(AdvisoryLock(named, "a")) as lock:
        assert lock.take()
        require_held()
        postgres.stop()
        postgres.begin()
        require_held()
        assert "the database is away, and with it the lock a" in caplog.text
        postgres.stop()
        postgres.begin()
        with closing(AdvisoryLock(named, "a")) as other:
            assert other.take()
            with pytest.raises(StoreError, match=r"another process holds a by now.*Run the same again"):
                lock.require()


def test_files_that_are_another_store_s_are_refused(
    postgres: Postgres, named: SharedLocation, tmp_path: Path, dae: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of a disk that is not mounted, of another server, or of another database."""
    postgres.create("second")
    monkeypatch.setenv("DAE_DATABASE", postgres.url.replace("daecore", "second"))
    done = dae(tmp_path / "new", "doctor", status=2)
    assert f"The files in {named.artifacts} belong to another shared store than" in done.stderr
    monkeypatch.setenv("DAE_ARTIFACTS", str(tmp_path / "disk"))
    assert dae(tmp_path / "new", "doctor").returncode == 0
    (tmp_path / "disk").rename(tmp_path / "elsewhere")
    assert "which is not there. Is it mounted?" in dae(tmp_path / "new", "doctor", status=1).stderr
    (tmp_path / "disk").mkdir()
    assert "are not the files of the shared store" in dae(tmp_path / "new", "doctor", status=2).stderr
    assert list((tmp_path / "disk").iterdir()) == []


def test_no_password_is_written_down(
    postgres: Postgres, named: SharedLocation, tmp_path: Path, dae: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither here nor among the files that all see."""
    monkeypatch.setenv("DAE_DATABASE", postgres.url.replace("lab@", "lab:s3cret@"))
    dae(tmp_path / "one", "run", *SMALL, "--set", "transfer=null", "--report", tmp_path / "report.json", new=True)
    assert json.loads((tmp_path / "report.json").read_text())["mlflow"]["uri"].startswith("postgresql")
    for path in filter(Path.is_file, tmp_path.rglob("*")):
        assert b"s3cret" not in path.read_bytes(), path


def test_another_place_is_refused(
    named: SharedLocation, tmp_path: Path, dae: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of other files, and one that does not answer: in a paragraph without the password."""
    elsewhere = named.artifacts.replace("/lab", "/elsewhere")
    monkeypatch.setenv("DAE_ARTIFACTS", elsewhere)
    done = dae(tmp_path / "new", "runs", status=2)
    assert f"lie in {named.artifacts}, and --artifacts (DAE_ARTIFACTS) names {elsewhere}" in done.stderr
    monkeypatch.setenv("DAE_DATABASE", "postgresql://lab:s3cret@127.0.0.1:1/daecore")
    done = dae(tmp_path / "newer", "runs", status=2)
    assert "postgresql://lab@127.0.0.1:1/daecore of the shared store cannot be reached" in done.stderr
    assert not any(word in done.stderr for word in ("s3cret", "Traceback"))


def test_two_studios_share_one_queue(named: SharedLocation, tmp_path: Path) -> None:
    """Of two runs of the one's page each does one; a killed one goes on by either, and no epoch is lost or double."""
    studios = [Studio(tmp_path / name) for name in ("one", "other")]
    try:
        for studio in studios:
            studio.up()
        small = {"training": {"epochs": EPOCHS, "batch": 64, "threads": 1}, "transfer": None}
        network = {"conv": {"widths": [16, 32], "code": 16}}
        runs = [
            studios[0].submit("denoise/digits-erasure", **small, architecture=network, seed=seed) for seed in (50, 51)
        ]
        wait_until(lambda: all(list((it.root / "checkpoints").glob("*")) for it in studios), 120)
        next(process for it in studios for process in it.processes("daecore_flows.studio.flow_run")).kill()
        for seed, run in enumerate(runs, 50):
            assert studios[0].finished(run) == "Completed"
            (whole,) = studios[1].runs(f"tags.`prefect.flow_run_id` = '{run}'")
            (training,) = studios[1].runs(f"tags.stage = 'train_autoencoder' and params.seed = '{seed}'")
            assert (whole.info.status, training.info.status) == ("FINISHED", "FINISHED")
            assert studios[0].history(training.info.run_id) == list(range(1, EPOCHS + 1))
    finally:
        for studio in studios:
            studio.end()
