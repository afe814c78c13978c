"""The software bill of materials of the environment, in CycloneDX's JSON: daecore at its root, versions and licences.

    python deploy/sbom.py [build/sbom.cdx.json]

cyclonedx-py writes it, the same bytes for the same environment. Where it leaves a licence out that is no SPDX name, the
package's own words are put in.
"""

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LONGEST = 100  # characters of a licence's name; what is longer is its text


def main() -> int:
    """Write it, and say what it holds; the exit status."""
    path = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "sbom.cdx.json")
    bill = make()
    validate(bill)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(write(bill), encoding="utf-8")
    without = [it["name"] for it in bill["components"] if not it.get("licenses")]
    print(f"{path}: {len(bill['components'])} packages. No licence in their metadata: {', '.join(without) or 'none'}")
    return 0


def make(python: str = sys.executable) -> dict[str, Any]:
    """The bill of an interpreter's environment; of this one's by default."""
    command = [
        sys.executable, "-P", "-m", "cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml"),
        "--mc-type", "application", "--output-reproducible", "--no-validate", "--of", "JSON", python,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    bill: dict[str, Any] = json.loads(done.stdout)
    for component in bill["components"]:
        if not component.get("licenses") and (name := own_words(component["name"])):
            component["licenses"] = [{"license": {"name": name, "acknowledgement": "declared"}}]
    return bill


def own_words(package: str) -> str:
    """What a package's metadata call its licence; empty where they do not."""
    try:
        said = str(metadata(package).get("License") or "")
    except PackageNotFoundError:
        return ""
    return "" if said == "UNKNOWN" or len(said) > LONGEST else " ".join(said.split())


def validate(bill: dict[str, Any]) -> None:
    """See that it keeps to CycloneDX's schema.

    Raises:
        ValueError: It does not.
    """
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    version = SchemaVersion.from_version(bill["specVersion"])
    if wrong := JsonStrictValidator(version).validate_str(write(bill)):
        raise ValueError(f"The bill of materials is not what CycloneDX {version.to_version()} asks for: {wrong}")


def write(bill: dict[str, Any]) -> str:
    """It as text: the same for the same bill."""
    return json.dumps(bill, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
