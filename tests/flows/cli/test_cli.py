"""The command line: exit statuses, one paragraph per mistake, and nothing heavy before it is needed."""

import os
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from daecore_flows.cli import app, main
from daecore_flows.cli.folders import format_size
from daecore_flows.cli.recipes import with_threads
from daecore_flows.cli.runs import _age as age
from daecore_flows.cli.summary import print_summary
from daecore_flows.store.store import Store
from daecore_flows.studies.laboratory import Laboratory
from typer.main import get_command

import daecore
from daecore.experiment.experiment import parse

INTERVAL = {"mean": 1.0, "low": -0.5, "high": 2.5, "n": 300}
LINEAR = {"name": "linear", "db": 14.0, "mse": 0.04, "strength": None, "images": 300}
REPORT = {
    "denoising": {
        "unit": "dB", "images": 300, "corrupted_db": 9.5, "restored_db": 15.0, "corrupted_mse": 0.1, "mse": 0.03,
        "pooled_db": 14.5, "ssim": 0.8, "gain_over_corrupted_db": {"mean": 5.5, "low": 5.0, "high": 6.0, "n": 300},
        "best_baseline": LINEAR,
        "baselines": {"linear": LINEAR, "nlm": {**LINEAR, "name": "nlm", "db": 9.0, "images": 50}},
        "gain_db": INTERVAL, "gain_mse": None,
    },
    "transfer": [
        {"initialisation": "probe", "encoder": "e", "method": "probe", "labels": 1000, "error_percent": INTERVAL,
         "n": 2}
    ],
    "differences": [],
    "mlflow": {"run_id": "abc"}, "reused": ["load_dataset"], "seconds": {"total": 3.0},
    "files": {"artifacts": "/somewhere/artifacts"},
}  # fmt: skip


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Store(tmp_path, tmp_path).environment():  # what `Store.enter` sets is taken back after the test
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("DAE_DATA", str(tmp_path / "data"))


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What is said about wrong input: exit status 2, one paragraph on stderr, nothing on stdout."""
    assert main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def test_help_is_fast_and_loads_nothing_heavy() -> None:
    """Neither torch nor Prefect nor MLflow is needed to say what the commands are."""
    program = (
        "import sys; from daecore_flows.cli import main; status = main(['--help']); "
        "sys.exit(status or bool({'torch', 'prefect', 'mlflow', 'pydantic'} & set(sys.modules)))"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert time.perf_counter() - began < 5  # 0.3 s on an idle machine


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, that of the installed package."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"daecore {version('daecore')}\n"


def test_looking_at_runs_loads_neither_pytorch_nor_prefect() -> None:
    """They take seconds, and a list needs neither."""
    program = (
        "import sys; from daecore_flows.cli import main; status = main(['runs']); "
        "from daecore_flows.store import housekeeping, tracking; "
        "sys.exit(99 if {'torch', 'prefect', 'matplotlib'} & set(sys.modules) else status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "There is no store in" in done.stderr


def test_the_front_door_gives_each_of_its_names() -> None:
    """Also those whose modules are loaded when they are first asked for; another name is an AttributeError."""
    assert all(getattr(daecore, name) is not None for name in daecore.__all__)
    assert set(dir(daecore)) >= set(daecore.__all__)
    assert {"stream", "Corruptor", "Splits"} <= set(daecore.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Corrupter'"):
        _ = daecore.Corrupter


@pytest.mark.parametrize(
    ("words", "proposed", "not_proposed"),
    [
        ("dae run digits-e", "digits-erasure", "mnist-erasure"),
        ("dae plugins show era", "erasure", "blur"),
        ("dae data fetch dig", "digits", "erasure"),
        ("dae study lecture --only arc,bl", "arc,blur", "arc,arc"),
        ("dae study le", "lecture", "vincent"),
        ("dae run lecture/a", "lecture/arc", "lecture/gap"),
        ("dae rm 0a", "0a" * 16, "0b" * 16),
        ("dae restore 0a", "0a" * 16, "0c" * 16),
    ],
)
def test_the_shell_completes_names_without_loading_anything_heavy(
    tmp_path: Path, words: str, proposed: str, not_proposed: str
) -> None:
    """Recipes, plugins, datasets, studies, and runs that have a report."""
    for run, files in {"0a" * 16: ["report.json"], "0b" * 16: ["report.json"], "0a0c" * 8: []}.items():
        folder = tmp_path / "store" / "artifacts" / "digits" / run / "artifacts"
        folder.mkdir(parents=True)
        for name in files:
            (folder / name).touch()
    program = (
        "import atexit, os, sys; sys.argv[0] = 'dae'\n"
        "heavy = {'torch', 'prefect', 'mlflow', 'numpy'}\n"
        "atexit.register(lambda: heavy & set(sys.modules) and os._exit(99))\n"
        "from daecore_flows.cli import main; sys.exit(main([]))"
    )
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1), "_DAE_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ, **asked}
    )
    assert done.returncode == 0, done.stderr
    assert proposed in done.stdout.splitlines()
    assert not_proposed not in done.stdout


@pytest.mark.parametrize("command", ["rm", "rerun", "restore"])
def test_the_shell_completes_runs_of_the_store_that_the_line_names(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else those of the environment's store."""
    for store, run in (("store", "0a" * 16), ("other", "0b" * 16)):
        folder = tmp_path / store / "artifacts" / "digits" / run / "artifacts"
        folder.mkdir(parents=True)
        (folder / "report.json").touch()
    monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("DAE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("_DAE_COMPLETE", "complete_bash")
    for words, proposed in ((f"dae {command} 0", "0a"), (f"dae {command} --store {tmp_path / 'other'} 0", "0b")):
        monkeypatch.setenv("DAE_STORE", str(tmp_path / "store"))
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        with pytest.raises(SystemExit, match="0"):
            get_command(app)([], prog_name="dae")
        assert capsys.readouterr().out.split() == [proposed * 16]


def test_wrong_input_is_found_before_prefect_and_mlflow_are_loaded(tmp_path: Path) -> None:
    """A mistake costs a second, not fifteen, and makes no store."""
    program = (
        "import sys; from daecore_flows.cli import main; "
        "status = main(['run', 'digits-erasure', '--set', 'architecture.dense.code=64']); "
        "sys.exit(99 if {'prefect', 'mlflow'} & set(sys.modules) else status)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "at most 63" in done.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist-erasur"], "Did you mean 'mnist-erasure'"),
        (["nothing-like-it"], "`dae recipes` lists what there is."),
        (["nothing.yaml"], "nothing.yaml cannot be read"),
        (["digits-erasure", "--set", "training.epochs"], "--set takes section.option=value"),
        (["digits-erasure", "--set", "corruptions=[{erasure: {p: 2}}]"], "erasure.p: Input should be less than"),
        (["digits-erasure", "--set", "corruptions=[{block_mask: {size: 10}}]"], "size"),
        (["digits-erasure", "--set", "dataset={image_folder: {path: /nowhere}}"], "/nowhere"),
        (["digits-erasure", "--report", "/nowhere/out.json"], "--report /nowhere/out.json cannot be written"),
        (["digits-erasure", "--store", "/dev/null/store"], "cannot be written"),
        (["digits-erasure", "--unknown"], "No such option"),
        ([], "Missing argument"),
    ],
)
def test_wrong_input_is_refused_in_one_paragraph(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """Exit status 2, no traceback, and the message says what to do."""
    assert message in refusal(capsys, "run", *arguments)


def test_too_little_room_is_said_before_anything_is_loaded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The disk's answer is the only thing feigned: what is needed, what is free, and two ways out."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**6))
    said = refusal(capsys, "run", "mnist-erasure")
    assert "too little room on the disk" in said
    assert "1.0 MB are free" in " ".join(said.split())
    assert "--store or DAE_STORE" in said
    assert not (tmp_path / "store" / "mlflow.db").exists()


def test_recipes_are_listed_with_their_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name and what it is."""
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["recipes"]) == 0
    assert "digits-erasure" in (listed := capsys.readouterr().out)
    assert "8x8 digits that need no download" in listed


def test_show_prints_a_whole_experiment_with_its_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed can be saved and run."""
    assert main(["show", "digits-erasure", "--set", "training.epochs=3"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown["training"]["epochs"] == 3
    assert "weight_decay" in shown["training"]
    assert parse(shown).training.epochs == 3


@pytest.mark.parametrize(
    ("command", "nearest", "rest"),
    [
        (["show", "erasure"], "'digits-erasure'", "`dae recipes` lists what there is."),
        (["plugins", "show", "mnis"], "'mnist'", "`dae plugins` lists what there is."),
        (["data", "fetch", "fashion"], "'fashion_mnist'", "`dae plugins` lists what there is."),
        (["study", "lecture", "--only", "erasur"], "'erasure'", "Known: answer, "),
        (["sweep", "digits-erasure", "--space", "training.epoch=[1]"], "'epochs'", "`dae show` prints every place"),
        (["sweep", "digits-erasure", "--space", "seed=[1]", "--measure", "ssin"], "'ssim'", "Known: "),
        (["sweep", "digits-erasure", "--method", "grit"], "'grid'", "Known: grid, random, tpe."),
        (["run", "digits-erasure", "--set", "training.epoch=3"], "'epochs'", "Known: "),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str], command: list[str], nearest: str, rest: str
) -> None:
    """And with all there is, or with the command that lists it where that is long."""
    said = " ".join(refusal(capsys, *command).split())
    assert "Did you mean" in said
    assert nearest in said
    assert rest in said
    assert len(said) < 700


def test_plugins_are_listed_with_their_origin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kind, name, one line, distribution."""
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["plugins"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if " erasure " in line]
    assert line.split()[0] == "corruption"
    assert "daecore" in line


def test_data_is_fetched_by_name_and_listed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Digits need no download; the folder's contents are told with their sizes."""
    assert main(["data", "fetch", "digits"]) == 0
    assert "300 test samples" in capsys.readouterr().out
    (tmp_path / "data" / "mine").mkdir(parents=True)
    (tmp_path / "data" / "mine" / "file").write_bytes(bytes(1500))
    assert main(["data", "list"]) == 0
    assert "1.5 kB" in capsys.readouterr().out
    assert "Did you mean 'digits'" in refusal(capsys, "data", "fetch", "digit")


def test_a_dataset_is_packed_and_used_by_its_address(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Options are set as they are in a recipe; what is wrong is said in a paragraph."""
    place = tmp_path / "packed"
    assert main(["data", "pack", "arc", str(place), "--set", "train=100"]) == 0
    said = capsys.readouterr().out
    assert str(place) in said
    assert main(["show", "arc-gaussian", "--set", f"dataset={{packed: {{url: {place}}}}}"]) == 0
    capsys.readouterr()
    assert "holds a packed dataset already" in refusal(capsys, "data", "pack", "arc", str(place))
    assert main(["data", "pack", "arc", str(place), "--force"]) == 0
    capsys.readouterr()
    assert "there is no option 'noize'" in refusal(capsys, "data", "pack", "arc", str(place), "--set", "noize=1")
    assert "s3://" in refusal(capsys, "data", "pack", "arc", "ftp://host/arc")


@pytest.mark.parametrize("command", [["runs"], ["rm", "abc"], ["gc", "--keep", "1"]])
def test_looking_makes_no_store(capsys: pytest.CaptureFixture[str], tmp_path: Path, command: list[str]) -> None:
    """Without a store these say so."""
    assert "There is no store in" in refusal(capsys, *command)
    assert not (tmp_path / "store").exists()


def test_the_summary_tells_numbers_places_and_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gain with interval, each baseline, errors, and an interval that holds zero claims nothing."""
    monkeypatch.setenv("COLUMNS", "120")
    print_summary(REPORT, Store(Path("/a store"), Path("/data")))
    said = capsys.readouterr().out
    for text in (
        "linear (best baseline)", "nlm, on 50", "5.50 [5.00, 6.00] dB above the corrupted picture",
        "+1.00 [-0.50, +2.50] dB from the best baseline", "No difference from the best baseline is claimed",
        "1,000 labels",
        "/somewhere/artifacts/report.html", "load_dataset", "dae up --store '/a store'",
    ):  # fmt: skip
        assert text in said


def test_sizes_and_ages_are_for_people() -> None:
    """Three digits and a unit."""
    assert [format_size(count) for count in (12, 1_500, 2_340_000)] == ["12 B", "1.5 kB", "2.3 MB"]
    assert [age(seconds) for seconds in (5, 120, 7_300, 200_000)] == ["5 s", "2 min", "2 h", "2 d"]


TRAINING = ("run", "rerun", "stack", "sweep", "retrain", "study")


@pytest.mark.parametrize("command", TRAINING)
def test_every_command_that_trains_takes_a_number_of_threads(command: str) -> None:
    """As one of its own options, which is left open by default."""
    (option,) = [it for it in get_command(app).commands[command].params if "--threads" in it.opts]
    assert option.default is None


def test_the_named_number_is_the_last_word() -> None:
    """Over what the experiment or another change says; unnamed, nothing is changed."""
    assert with_threads(["training.threads=2"], 1) == ["training.threads=2", "training.threads=1"]
    assert with_threads(None, None) == []
    lab = Laboratory(Store(Path("store"), Path("data")), "", threads=3)
    assert lab.experiment("lecture/arc").training.threads == 3  # whose recipe has 1


@pytest.mark.parametrize("encoding", ["ascii:strict", "utf-8:strict"])
def test_what_a_terminal_cannot_show_ends_no_command(encoding: str, tmp_path: Path) -> None:
    """A mark in a terminal of ASCII, a file name that is no text: shown by its number, and one goes on."""
    program = "from daecore_flows.cli import _print_whatever_comes as go; go(); print('\\u2713 \\udcff')"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-P", "-c", program], env=environment, capture_output=True, check=True)
    assert done.stdout.decode() in ("\\u2713 \\udcff\n", "\u2713 \\udcff\n")
