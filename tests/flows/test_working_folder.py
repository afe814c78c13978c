"""The working folder holds no code: what libraries would take from it by themselves is left alone."""

import base64
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from daecore_flows.store.file_ref import FileRef
from daecore_flows.working_folder import decode_record, replace


def said(program: str, folder: Path, *words: str, **environment: str) -> str:
    """What a program prints in a folder; ``{ours}`` in it imports our package first, or does not."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHONSAFE"))}
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, *words], cwd=folder, env={**plain, **environment}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["torch", "matplotlib"])
def test_it_is_not_the_working_folder_while_a_library_is_imported_that_looks_there(tmp_path: Path, name: str) -> None:
    """What torch's libraries and matplotlib look for by a bare name is looked for in the root of the file system."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / f"{name}.py").write_text("import os\nprint(os.getcwd())\n")
    found = said(
        f"import daecore_flows, {name}, os; print(os.getcwd())", tmp_path, PYTHONPATH=str(tmp_path / "library")
    )
    assert found.split() == [os.path.abspath(os.sep), str(tmp_path)]


def test_a_style_of_the_working_folder_is_not_matplotlib_s(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("savefig.dpi: 7\n")
    program = "import {}matplotlib; print(matplotlib.rcParams['savefig.dpi'])"
    assert said(program.format("daecore_flows, "), tmp_path) == "figure"
    assert said(program.format(""), tmp_path) == "7.0"


SETTINGS = """
import contextlib, os, sys
import {}prefect.main
from prefect.settings import PREFECT_API_KEY, get_current_settings, temporary_settings
before = get_current_settings()
print(before.api.url, before.logging.level)
for folder in sys.argv[1:]:
    with contextlib.chdir(folder), temporary_settings({{PREFECT_API_KEY: "x"}}):
        print(get_current_settings().api.url)
"""
URL = "http://evil.example/api"
FILES = {
    "prefect.toml": f'[api]\nurl = "{URL}"\n',
    "pyproject.toml": f'[tool.prefect.api]\nurl = "{URL}"\n',
    ".env": f"PREFECT_API_URL={URL}\n",
}
PROFILES = {
    "prefect.toml": 'profiles_path = "evil.toml"\n',
    "pyproject.toml": '[tool.prefect]\nprofiles_path = "evil.toml"\n',
    ".env": "PREFECT_PROFILES_PATH=evil.toml\n",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders with a file each that Prefect takes settings from, or the way to a profile."""
    folders = []
    for files in (FILES, PROFILES):
        for name, text in files.items():
            folders.append(tmp_path_factory.mktemp("settings"))
            (folders[-1] / name).write_text(text)
            (folders[-1] / "evil.toml").write_text(f'active = "x"\n[profiles.x]\nPREFECT_API_URL = "{URL}"\n')
    return folders


@pytest.mark.parametrize(("ours", "url"), [("daecore_flows, ", "None"), ("", URL)], ids=["ours", "without ours"])
def test_prefect_s_settings_come_from_the_environment_alone(
    tmp_path: Path, settings: list[Path], ours: str, url: str
) -> None:
    """Those that it begins with and those that are made later on; without our package each of the files is read."""
    shutil.copytree(settings[0], tmp_path / "begins")
    for name, text in FILES.items():  # each leads to a profile, too
        (tmp_path / "begins" / name).write_text(f"{PROFILES[name]}\n{text}")
    environment = {"PREFECT_HOME": str(tmp_path / "home"), "PREFECT_LOGGING_LEVEL": "ERROR"}
    found = said(SETTINGS.format(ours), tmp_path / "begins", *map(str, settings), **environment)
    assert found.splitlines() == [f"{url} ERROR", *[url] * len(settings)]


def test_a_stranger_s_folder_leaves_its_mark_where_nothing_keeps_it_out(stranger: Path) -> None:
    """What other tests rely on when they find no mark."""
    for program, trace in (
        ("import prefect.main", "logging"),
        ("import sys; sys.path.insert(0, ''); import scipy", "scipy"),
    ):
        said(program, stranger, PREFECT_HOME=str(stranger / "home"))
        assert trace in (stranger / "mark").read_text()
        (stranger / "mark").unlink()


VERSION = """
import {}asyncio
from prefect.deployments import runner
print(asyncio.run(runner.get_inferred_version_info()) is None)
"""


def test_prefect_does_not_ask_git_of_the_folder_for_a_version(stranger: Path) -> None:
    """It does so for each deployment; `git log` runs what a repository's configuration names."""
    assert said(VERSION.format("daecore_flows, "), stranger, PREFECT_LOGGING_LEVEL="ERROR") == "True"
    assert not (stranger / "mark").exists()


CACHED = """
import sys
from daecore_flows.store.store import current_store
current_store().enter()
from prefect import flow, task

@task(cache_key_fn=lambda *_: "always the same", persist_result=True, result_serializer="json")
def stage() -> str:
    print("computed")
    return "result"

@flow
def once() -> str:
    return stage()

for _ in range(TIMES):
    print(once())
"""


class Pickled:
    """What leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def unpickled(record: dict[str, Any], mark: Path) -> None:
    """Let a result say that it is to be unpickled."""
    record["metadata"]["serializer"] = {"type": "pickle", "picklelib": "cloudpickle"}
    record["result"] = base64.encodebytes(pickle.dumps(Pickled(mark))).decode()


def called(record: dict[str, Any], mark: Path) -> None:
    """Let a result say that it is made by a function, which Prefect would import and call."""
    record["result"] = json.dumps({"__class__": "subprocess.getoutput", "data": {"cmd": f"touch {mark}"}})


@pytest.mark.long
@pytest.mark.parametrize("altered", [unpickled, called])
def test_a_cached_result_runs_nothing(
    server: str, tmp_path: Path, altered: Callable[[dict[str, Any], Path], None]
) -> None:
    """The default store lies there. Where a stranger has put a result that says so, the stage runs again."""
    mark, ours = tmp_path / "mark", {"DAE_STORE": str(tmp_path / "s"), "PREFECT_API_URL": server}
    before = said(CACHED.replace("TIMES", "2"), tmp_path, **ours)
    assert before.split() == ["computed", "result", "result"]
    for path in (tmp_path / "s" / "prefect" / "storage").iterdir():
        record = json.loads(path.read_text())
        altered(record, mark)
        path.write_text(json.dumps(record))
    after = said(CACHED.replace("TIMES", "1"), tmp_path, **ours)
    assert after.split() == ["computed", "result"]
    assert not mark.exists()


@pytest.mark.parametrize(
    "named",
    ["subprocess.getoutput", "os.system", "builtins.dict", "pathlib.Path", "daecore.record.what", "what", 7, None],
)
def test_a_cached_result_is_made_of_our_records_alone(named: object) -> None:
    """And of those that are loaded: nothing is imported by a name in a file."""
    with pytest.raises(ValueError, match="says that it is made of"):
        decode_record({"__class__": named, "data": {"cmd": "false"}})
    with pytest.raises(ValueError, match="says that it is made of"):
        decode_record({"__exc_type__": "builtins.SystemExit", "message": "0"})


def test_a_record_of_ours_and_plain_json_are_read() -> None:
    ref = FileRef(path="results/a", sha256="0")
    whole = {"__class__": f"{FileRef.__module__}.FileRef", "data": ref.model_dump()}
    assert decode_record(whole) == ref
    assert decode_record({"data": 1}) == {"data": 1}


def test_what_a_library_no_longer_has_is_not_replaced_without_a_word() -> None:
    """A new version of it would open the door again."""
    with pytest.raises(AttributeError, match="gone"):
        replace(ModuleType("library"), "gone", None)
