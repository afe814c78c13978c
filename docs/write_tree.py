"""Write README's tree: every folder of the code with its docstring's first line, and the modules in it.

Knows the folders as they are. `make docs` runs it; a test compares.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD, FENCE = "## The tree\n\n", "```"
CODE = ("daecore", "plugins", "flows")
OTHERS = {  # what is no package, in a line each
    "bench/": "our loop beside the bare loop and the peers: `make bench`; hours of use: `make soak`",
    "deploy/": "deployments for work pools (prefect.yaml), examples of Docker, Kubernetes; `make audit`, `make sbom`",
    "docs/": "the site, `make site`: tutorials, how-to, concepts, reference, results, decisions, lab log",
    "tests/": "the same folders as the code; `make faults`, `make fuzz`; the example_* are real distributions",
    "mlruns/": "the default store (not under version control)",
}


def tree() -> str:
    """The tree, a line for each folder."""
    lines = [line for name in CODE for line in _folder(ROOT / name, "├── ", "│   ")]
    lines += [f"├── {name:<18} {text}" for name, text in OTHERS.items()]
    lines[-1] = lines[-1].replace("├", "└")
    return "\n".join(lines)


def readme() -> str:
    """README as it should be: what it says, with the tree of today."""
    before, _, after = (ROOT / "README.md").read_text(encoding="utf-8").partition(HEAD)
    rest = after.split(FENCE, 2)[2]
    return f"{before}{HEAD}{FENCE}\n{tree()}\n{FENCE}{rest}"


def _folder(folder: Path, begin: str, indent: str) -> Iterator[str]:
    """A package's line, then those of the packages in it."""
    said = (ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or "").splitlines()[0]
    names = sorted(path.stem for path in folder.glob("[!_]*.py"))
    width = max(1, 22 - len(begin))
    there = f"  [{' · '.join(names)}]" if names else ""
    yield f"{begin}{folder.name + '/':<{width}} {said}{there}"
    below = sorted(path.parent for path in folder.glob("*/__init__.py"))
    for path in below:
        last = path == below[-1]
        yield from _folder(path, f"{indent}{'└── ' if last else '├── '}", f"{indent}{'    ' if last else '│   '}")


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
