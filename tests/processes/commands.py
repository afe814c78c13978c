"""Commands as a user gives them, each on a store of its own: at once from a warm process, or from a new interpreter.

Knows processes and environments; nothing of what a command does.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Protocol

DAE = str(Path(sys.executable).parent / "dae")
AT_IMPORT = {  # what libraries read when they are imported, as `Store.enter` and `main` have it
    "DO_NOT_TRACK": "1", "GOMP_SPINCOUNT": "10000", "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING", "PREFECT_LOGGING_EXTRA_LOGGERS": "daecore", "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
}  # fmt: skip


def environment_of(store: Path) -> dict[str, str]:
    """The environment of a command on this store, with one thread."""
    variables = {"DAE_STORE": str(store), "DAE_DATA": str(store / "data"), "COLUMNS": "160"}
    return {**os.environ, **variables, "OMP_NUM_THREADS": "1"}


class Run(Protocol):
    """How a command comes to its end: with its environment, its words, and perhaps a program in place of `dae`."""

    def __call__(self, environment: dict[str, str], *words: str, program: str = "") -> "Done": ...


Done = subprocess.CompletedProcess[str]


def interpret(environment: dict[str, str], *words: str, program: str = "") -> Done:
    """In a new interpreter."""
    command = [sys.executable, "-P", "-c", program, *words] if program else [DAE, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


class Warm:
    """In a fork of a process in which the libraries are loaded; where an environment brings other code, as above.

    Args:
        folder: For its own files.
        path: Further code that it loads, as `PYTHONPATH` names it.
    """

    def __init__(self, folder: Path, path: str = "") -> None:
        self._folder, self._path = folder, path
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, environment: dict[str, str], *words: str, program: str = "") -> Done:
        if {"PYTHONPATH", "DAE_PLUGIN_PATH"} & environment.keys():
            return interpret(environment, *words, program=program)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            files = {name: str(Path(folder, name)) for name in ("out", "err")}
            asked: dict[str, Any] = {"arguments": words, "environment": environment, "folder": os.getcwd(), **files}
            status = self._ask(json.dumps({**asked, **({"program": program} if program else {})}))
            out, err = (Path(files[name]).read_text(errors="replace") for name in ("out", "err"))
        return subprocess.CompletedProcess(words, status, out, err)

    def _ask(self, asked: str) -> int:
        process = self._begin()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{asked}\n")
        process.stdin.flush()
        answered = process.stdout.readline()
        assert answered, f"the warm process has ended, with {process.wait(60)}"
        return int(answered)

    def _begin(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            given = {**environment_of(self._folder), **AT_IMPORT, "PREFECT_HOME": str(self._folder)}
            given |= {"PYTHONPATH": self._path} if self._path else {}
            command = [sys.executable, "-P", str(Path(__file__).with_name("warm.py"))]
            self._process = subprocess.Popen(
                command, env=given, cwd=self._folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == "loaded\n", "the warm process did not come up"
        return self._process

    def end(self) -> None:
        """End it, whatever it is at."""
        if self._process is not None:
            try:
                self._process.communicate(timeout=60)
            finally:
                self._process.kill()
