"""Temporary files lie in a folder of the process, which stays behind nowhere."""

import os
import subprocess
import sys
from pathlib import Path

LIBRARY_S = "import tempfile; tempfile.mkdtemp()"  # what MLflow does to log a model, for one
ENTER = "from daecore_flows.store.temporary_files import keep_to_own_folder; keep_to_own_folder()"


def run(folder: Path, *lines: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "\n".join([ENTER, *lines])]
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_library_s_folder_goes_with_the_process(tmp_path: Path) -> None:
    done = run(tmp_path, LIBRARY_S, "print(tempfile.gettempdir())")
    assert Path(done.stdout.strip()).parent == tmp_path
    assert os.listdir(tmp_path) == []


def test_what_a_killed_process_left_goes_with_the_next(tmp_path: Path) -> None:
    assert run(tmp_path, LIBRARY_S, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)").returncode < 0
    assert len(os.listdir(tmp_path)) == 1
    assert run(tmp_path).returncode == 0
    assert os.listdir(tmp_path) == []


def test_what_it_starts_or_forks_leaves_its_folder_alone(tmp_path: Path) -> None:
    started = f"import subprocess, sys; assert not subprocess.call([sys.executable, '-c', '{LIBRARY_S}'])"
    forked = "import os\nif not os.fork(): raise SystemExit\nos.wait()"
    done = run(tmp_path, started, forked, "import tempfile", "assert os.path.isdir(tempfile.gettempdir())")
    assert (done.returncode, done.stderr) == (0, "")
    assert [name.startswith("tmp") for name in os.listdir(tmp_path)] == [True]


def test_where_no_folder_can_be_made_the_command_goes_on(tmp_path: Path) -> None:
    """Whoever needs a temporary file is told then."""
    done = run(tmp_path / "nowhere", "import os")
    assert (done.returncode, done.stderr) == (0, "")
