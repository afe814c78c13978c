"""`make audit` and `make sbom`, with a database of vulnerabilities of our own."""

import importlib.util
import json
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

DEPLOY = Path(__file__).parents[1] / "deploy"
PLANTED = {
    "id": "GHSA-planted",
    "aliases": ["CVE-0000-1"],
    "summary": "it was planted",
    "affected": [
        {
            "package": {"name": "pluggy", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    """It knows one thing of one package."""

    asked: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.add(f"{query['package']['name']}=={query['version']}")
        known = {"vulns": [PLANTED]} if query["package"]["name"] == "pluggy" else {}
        content = json.dumps(known).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def audit(
    url: str, folder: Path, accepted: str = "", constraints: str = "pluggy==0.1"
) -> "subprocess.CompletedProcess[str]":
    (folder / "accepted.toml").write_text(accepted)
    (folder / "constraints.txt").write_text(f"{constraints}  # as the project's\n")
    files = ["--accepted", str(folder / "accepted.toml"), "--constraints", str(folder / "constraints.txt")]
    command = [sys.executable, str(DEPLOY / "audit.py"), "--osv-url", url, *files]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_known_is_found_in_what_is_installed_and_in_what_the_constraints_name(
    database: str, tmp_path: Path
) -> None:
    done = audit(database, tmp_path)
    assert done.returncode == 1, done.stderr
    found = [line for line in done.stdout.splitlines() if line.startswith("FOUND")]
    assert [line.split()[1] for line in found] == ["pluggy==0.1", f"pluggy=={version('pluggy')}"]
    assert all("GHSA-planted" in line and "fixed in 99.1: it was planted" in line for line in found)
    assert {f"torch=={version('torch').split('+')[0]}", "pluggy==0.1"} <= {it.split("+")[0] for it in Database.asked}
    assert not any(name.startswith("daecore==") for name in Database.asked)


def test_what_is_accepted_is_listed_with_its_reason_and_ends_well(database: str, tmp_path: Path) -> None:
    accepted = '[[accepted]]\nid = "{}"\nreason = "{}"\n'
    done = audit(database, tmp_path, accepted.format("CVE-0000-1", "no hook is called by strangers"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no hook is called by strangers") == 2
    assert "FOUND" not in done.stdout
    other = audit(database, tmp_path, accepted.format("CVE-0000-2", "it was mended"))
    assert other.returncode == 1
    assert "CVE-0000-2 is accepted and was not found" in other.stdout


def test_nothing_is_accepted_without_a_reason(database: str, tmp_path: Path) -> None:
    for text in (
        '[[accepted]]\nid = "CVE-0000-1"\n',
        '[[accepted]]\nid = "CVE-0000-1"\nreason = " "\n',
        "accepted = 1",
    ):
        done = audit(database, tmp_path, text)
        assert done.returncode == 2
        assert "reason" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_database_that_cannot_be_reached_is_not_a_clean_bill(tmp_path: Path) -> None:
    done = audit("http://user:hidden-word@127.0.0.1:9/v1/query", tmp_path)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "127.0.0.1 cannot be reached, so nothing is known" in done.stderr
    assert "hidden-word" not in done.stderr


def test_what_pip_audit_cannot_do_is_not_a_clean_bill_either(database: str, tmp_path: Path) -> None:
    done = audit(database, tmp_path, constraints="pluggy==no version")
    assert done.returncode == 2
    assert "pip-audit could not do it" in done.stderr


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    found = importlib.util.spec_from_file_location("sbom", DEPLOY / "sbom.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def bill(sbom: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = sbom.make()
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_bill_names_each_direct_dependency_with_its_version_and_licence(bill: dict[str, Any]) -> None:
    project = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(it for name in ("lab", "chunks", "cluster", "shared") for it in extras[name])]
    direct = {re.split(r"[\[<>=]", it)[0] for it in asked}
    found = {normal(it["name"]): it for it in bill["components"]}
    root = bill["metadata"]["component"]
    assert (root["name"], root["version"]) == ("daecore", project["version"])
    (needed,) = (it["dependsOn"] for it in bill["dependencies"] if it["ref"] == root["bom-ref"])
    for name in direct:
        component = found[normal(name)]
        assert component["version"] == version(name)
        assert component["licenses"], name
        assert component["bom-ref"] in needed


def test_the_bill_is_the_same_again_and_names_no_path_of_this_machine(sbom: ModuleType, bill: dict[str, Any]) -> None:
    text = sbom.write(bill)
    assert sbom.write(sbom.make()) == text
    assert str(Path.home()) not in text
    assert str(DEPLOY.parent) not in text


@pytest.mark.long
def test_the_bill_keeps_to_the_schema(sbom: ModuleType, bill: dict[str, Any]) -> None:
    sbom.validate(bill)
    del bill["components"][0]["name"]
    with pytest.raises(ValueError, match="not what CycloneDX"):
        sbom.validate(bill)
