"""Audit: what is installed and what `constraints.txt` names, against the public database of vulnerabilities.

    python deploy/audit.py [--accepted deploy/accepted.toml] [--osv-url URL]

pip-audit asks osv.dev. Exit status: 0 nothing is known of any, 1 something is, 2 it could not be done, 3 the database
cannot be reached, and so nothing is known either way. What is accepted stands in one file, each with its reason.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
OSV = "https://api.osv.dev/v1/query"
CLEAN, FOUND, FAILED, UNREACHED = range(4)
AWAY = ("requests.exceptions.", "urllib3.exceptions.", "ERROR:pip_audit._cli:Could not connect", "ServiceError")


@dataclass(frozen=True)
class Vulnerability:
    """What is known of one package in one version."""

    package: str
    names: frozenset[str]  # its identifiers in several databases
    fixed_in: str
    description: str


class AuditError(Exception):
    """It could not be done."""

    status = FAILED


class Unreached(AuditError):
    """The database cannot be reached: nothing is known."""

    status = UNREACHED


def main() -> int:
    """Look, and say what was found; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accepted", type=Path, default=ROOT / "deploy" / "accepted.toml")
    parser.add_argument("--constraints", type=Path, default=ROOT / "constraints.txt")
    parser.add_argument("--osv-url", default=OSV)
    asked = parser.parse_args()
    try:
        accepted = read_accepted(asked.accepted)
        packages = installed() | constrained(asked.constraints)
        known = vulnerabilities(packages, asked.osv_url)
    except AuditError as error:
        print(f"audit: {error}", file=sys.stderr)
        return error.status
    return show(known, accepted, len(packages))


def installed() -> set[str]:
    """What the environment holds, ``name==version``; not ourselves."""
    found = ((it.name, it.version) for it in distributions())
    return {f"{_normal(name)}=={version}" for name, version in found if _normal(name) != "daecore"}


def constrained(path: Path) -> set[str]:
    """What a file of constraints names."""
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {"==".join((_normal(line.split("==")[0]), line.split("==")[1])) for line in lines if "==" in line}


def read_accepted(path: Path) -> dict[str, str]:
    """The findings that are accepted, each with its reason.

    Raises:
        AuditError: One has no reason, or it is no such file.
    """
    try:
        found = {it["id"]: it["reason"] for it in tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AuditError(f"{path} cannot be read ({error}): each [[accepted]] needs an id and a reason.") from None
    if without := [name for name, reason in found.items() if not str(reason).strip()]:
        raise AuditError(f"{path} accepts {', '.join(without)} without a reason. Write it.")
    return found


def vulnerabilities(packages: Iterable[str], url: str) -> list[Vulnerability]:
    """What the database knows of these.

    Raises:
        Unreached: It does not answer.
        AuditError: pip-audit could not do it for another reason.
    """
    versions: list[list[str]] = [[], []]  # a file names a package once: what is installed may differ from what is named
    seen: set[str] = set()
    for package in sorted(packages):
        name = package.split("==")[0]
        versions[name in seen].append(package)
        seen.add(name)
    found: dict[tuple[str, frozenset[str]], Vulnerability] = {}
    for some in filter(None, versions):
        for one in _ask(some, url):
            found[one.package, one.names] = one
    return sorted(found.values(), key=lambda it: (it.package, sorted(it.names)))


def _ask(packages: list[str], url: str) -> list[Vulnerability]:
    with tempfile.TemporaryDirectory() as folder:
        listed, answer = Path(folder, "packages.txt"), Path(folder, "answer.json")
        listed.write_text("\n".join(packages), encoding="utf-8")
        command = [
            sys.executable, "-P", "-m", "pip_audit", "--requirement", str(listed), "--no-deps", "--disable-pip",
            "--vulnerability-service", "osv", "--osv-url", url, "--format", "json", "--output", str(answer),
            "--progress-spinner", "off", "--cache-dir", folder,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
        if not answer.exists():
            raise _failure(done.stderr, url)
        return [*_read(json.loads(answer.read_text(encoding="utf-8")))]


def _failure(said: str, url: str) -> AuditError:
    lines = [line for line in said.splitlines() if line.strip()]
    last = lines[-1].strip() if lines else "it said nothing"
    if any(word in said for word in AWAY):
        return Unreached(
            f"the database of vulnerabilities at {urlsplit(url).hostname} cannot be reached, so nothing "
            "is known of what is installed: run it again where the internet is."
        )
    return AuditError(f"pip-audit could not do it: {last}")


def _read(answer: dict[str, Any]) -> Iterable[Vulnerability]:
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            raise AuditError(f"{package['name']} was left out: {package['skip_reason']}")
        for it in package["vulns"]:
            names = frozenset([it["id"], *it["aliases"]])
            fixed = ", ".join(it["fix_versions"]) or "no version yet"
            yield Vulnerability(f"{package['name']}=={package['version']}", names, fixed, it["description"])


def show(known: list[Vulnerability], accepted: dict[str, str], looked_at: int) -> int:
    """Print what is known; the exit status."""
    used = set()
    status = CLEAN
    for one in known:
        reasons = one.names & accepted.keys()
        used |= reasons
        said = f"{one.package}  {' '.join(sorted(one.names))}  fixed in {one.fixed_in}"
        if reasons:
            print(f"accepted  {said}: {accepted[min(reasons)]}")
        else:
            status = FOUND
            print(f"FOUND     {said}: {one.description[:200]}")
    for name in sorted(accepted.keys() - used):
        print(f"unused    {name} is accepted and was not found: take it out of the list")
    found = sum(1 for one in known if not one.names & accepted.keys())
    print(f"{looked_at} packages looked at: {found} with something known, {len(known) - found} accepted")
    return status


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    sys.exit(main())
