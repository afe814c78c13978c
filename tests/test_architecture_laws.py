"""The laws of the house, held by walking the syntax trees: who may import what, and where randomness comes from."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("daecore", "plugins", "flows")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
PURE = [path for path in FILES if path.relative_to(ROOT).parts[0] != "flows"]
OURS = {"daecore", "daecore_plugins", "daecore_flows", "plugins", "flows"}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Absolute imports anywhere in the file, also those inside functions; relative ones start with a dot."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def importers(package: str) -> set[str]:
    return {place(path) for path in FILES for name in imports(path) if name.split(".")[0] == package}


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for an attribute of a name, else empty."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_the_walk_sees_the_tree() -> None:
    assert {"daecore/plugin/registry.py", "plugins/corruptions/erasure.py"} <= {place(path) for path in FILES}


def test_pluggy_has_one_door() -> None:
    assert importers("pluggy") == {"daecore/plugin/hookspecs.py", "daecore/plugin/registry.py"}


def test_prefect_is_known_in_flows_only() -> None:
    assert [name for name in importers("prefect") if not name.startswith("flows/")] == []


def test_mlflow_is_known_in_tracking_only() -> None:
    assert [name for name in importers("mlflow") if not name.startswith("flows/tracking/")] == []


def test_the_guard_knows_nothing_of_what_is_behind_it() -> None:
    """It stands before Prefect's servers and MLflow's, and loads neither."""
    guard = [path for path in FILES if place(path).startswith("flows/guard/")]
    from_itself = (".", ".asgi", ".application", ".head", ".peers")
    others = {name.split(".")[0] for path in guard for name in imports(path) if name not in from_itself}
    assert len(guard) == 5
    assert others <= sys.stdlib_module_names


def test_downloads_have_one_door() -> None:
    doors = importers("urllib.request") | importers("http") | importers("requests") | importers("httpx")
    by_name = {place(path) for path in FILES for name in imports(path) if name in ("urllib.request", "http.client")}
    looks_whether_our_own_pages_answer = "flows/studio/parts.py"
    assert doors | by_name == {"daecore/data/downloads.py", looks_whether_our_own_pages_answer}


ORDER = (
    "errors yaml_text rng tensor_rule samples processors place extension hookspecs source single_files registry spec",
    "autoencoder corruption objective stack pairs weights optimiser progress schedule trainable training checkpoint",
    "metrics intervals claims information vector_field likelihood posterior langevin arrays interpolation classical",
    "linear referee referees evaluation noise tiling restorer image_values image_limit raster tiff image_file",
    "image_encoding image_search classifier budget nearest finetuning classifying initialisation scores transfer",
    "kernel_machine tuning gabor gabor_fit ticks figures plane heatmap curves strength_curves filters scatter",
    "efficiency coordinates glossary headline markup page comparison_page gallery experiment feasibility sources fetch",
)


def test_the_core_imports_downwards_only() -> None:
    """Each module imports modules that stand before it in the list, and every module stands in it."""
    order = " ".join(ORDER).split()
    assert sorted(order) == sorted(path.stem for path in (ROOT / "daecore").glob("[!_]*.py"))
    for path in (ROOT / "daecore").glob("[!_]*.py"):
        before = set(order[: order.index(path.stem)])
        names = {name.split(".")[1] for name in imports(path) if name.startswith("daecore.")}
        assert names <= before, path.stem


def test_nobody_imports_the_plugins() -> None:
    assert importers("daecore_plugins") | importers("plugins") == set()


def test_the_core_imports_neither_flows_nor_a_relative_path() -> None:
    for path in (ROOT / "daecore").rglob("*.py"):
        wrong = [name for name in imports(path) if name.split(".")[0] in OURS - {"daecore"} or name.startswith(".")]
        assert wrong == [], place(path)


def test_plugins_use_the_front_door_only() -> None:
    """``from daecore import ...``, never a module behind it; relative imports stay within their folder."""
    for path in (ROOT / "plugins").rglob("*.py"):
        behind = [name for name in imports(path) if name.split(".")[0] in OURS and name != "daecore"]
        outside = [name for name in imports(path) if name.startswith("..")]
        assert behind + outside == [], place(path)


def calls(path: Path) -> Iterator[tuple[str, int]]:
    """Every call by its dotted name and line, but for what stands inside ``with torch.random.fork_rng(...)``.

    Modules draw their first weights from the global generator and take no other: a fork is seeded from a
    named stream there, and what was before comes back.
    """
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.With) and "torch.random.fork_rng(" in ast.unparse(node.items[0].context_expr):
            continue
        if isinstance(node, ast.Call):
            yield dotted(node.func), node.lineno
        waiting += ast.iter_child_nodes(node)


@pytest.mark.parametrize("path", PURE, ids=place)
def test_randomness_is_an_argument(path: Path) -> None:
    """No global random state: neither Python's, nor NumPy's, nor torch's; no salted hash."""
    forbidden = {"hash", "torch.manual_seed", "torch.seed", "torch.set_rng_state", "torch.random.manual_seed"}
    carry_their_own_state = {"default_rng", "Generator", "SeedSequence", "PCG64"}
    wrong = [name for name in imports(path) if name in ("random", "numpy.random")]
    if place(path) == "daecore/testing/globals.py":
        return  # it watches the global states
    for name, line in calls(path):
        legacy = name.startswith(("np.random.", "numpy.random.")) and name.split(".")[-1] not in carry_their_own_state
        wrong += [f"{name}() in line {line}"] if name in forbidden or legacy else []
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=place)
def test_every_public_name_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    methods = [
        item
        for node in public
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, kinds) and not item.name.startswith("_")
    ]
    assert ast.get_docstring(tree), "the module has no docstring"
    assert [node.name for node in public + methods if not ast.get_docstring(node)] == []


@pytest.mark.parametrize("path", FILES, ids=place)
def test_nothing_is_longer_than_a_screen(path: Path) -> None:
    """No function over 45 lines, but for the training loop."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 45]
    assert [name for name in long if (place(path), name) != ("daecore/training/loop.py", "fit")] == []


def test_all_imports_are_declared() -> None:
    """What is imported is the standard library, ourselves, or a dependency that pyproject.toml names."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = " ".join(project["dependencies"]).lower()
    other_names = {
        "sklearn": "scikit-learn",
        "skimage": "scikit-image",
        "PIL": "pillow",
        "ruamel": "ruamel.yaml",
        "pywt": "pywavelets",
    }
    roots = (
        {name.split(".")[0] for path in FILES for name in imports(path)} - OURS - {""} - set(sys.stdlib_module_names)
    )
    undeclared = {root for root in roots if other_names.get(root, root).lower().replace("_", "-") not in declared}
    own_engine, for_tests = "pydantic_core", "pytest"  # pydantic pins the one; who calls `contract` has the other
    assert undeclared <= {own_engine, for_tests}
