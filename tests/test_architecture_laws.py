"""The laws of the house, held by walking the syntax trees: who may import what, and where randomness comes from."""

import ast
import re
import sys
import tomllib
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


def test_prefect_is_known_above_the_store_only() -> None:
    below = ("daecore/", "plugins/", "flows/store/", "flows/kit/")
    assert [name for name in importers("prefect") if name.startswith(below)] == []


def test_mlflow_is_known_in_tracking_only() -> None:
    assert [name for name in importers("mlflow") if not name.startswith("flows/store/tracking/")] == []


def test_the_guard_knows_nothing_of_what_is_behind_it() -> None:
    """It stands before Prefect's servers and MLflow's, and loads neither."""
    guard = [path for path in FILES if place(path).startswith("flows/guard/")]
    from_itself = (".", ".asgi", ".application", ".head", ".peers", ".people", ".sign_in", ".public_door")
    others = {name.split(".")[0] for path in guard for name in imports(path) if name not in from_itself}
    assert len(guard) == 8
    assert others <= {*sys.stdlib_module_names, "uvicorn"}  # which opens its second door


def test_downloads_have_one_door() -> None:
    doors = importers("urllib.request") | importers("http") | importers("requests") | importers("httpx")
    by_name = {place(path) for path in FILES for name in imports(path) if name in ("urllib.request", "http.client")}
    looks_whether_our_own_pages_answer = "flows/studio/parts.py"
    assert doors | by_name == {"daecore/data/downloads.py", looks_whether_our_own_pages_answer}


ROOMS = (  # of the core, from the ground up
    "addresses errors entry_points laboratory command json_text paths object_storage rng record held_folder "
    "whole_file processors device",
    "data plugin stats corruption model training uncertainty analysis evaluation transfer plots html experiment "
    "trained study testing",
)
STOREYS = (  # of the laboratory around it, from the ground up
    "interrupts working_folder garbage guard",
    "store kit",
    "workers progress stages reconcile",
    "artifacts",
    "pipeline",
    "stacking sweep retraining",
    "picture_plan picture_writing restore_pictures corrupt_pictures error_bars rerun verify studies",
    "studio",
    "cli",
    "notebook",
)


def absolute(path: Path, name: str) -> str:
    """What a file imports, by its folders: ``flows.store.lookup``."""
    if not name.startswith("."):
        top, dot, rest = name.partition(".")
        return {"daecore_flows": "flows", "daecore_plugins": "plugins"}.get(top, top) + dot + rest
    level = len(name) - len(name.lstrip("."))
    return ".".join((*path.relative_to(ROOT).parts[:-level], name.lstrip("."))).strip(".")


SIGNATURES = ("daecore/plugin/kinds.py",)  # what a kind's function takes and gives is named there, and never loaded


def rooms(path: Path, top: str) -> set[str]:
    """The rooms of a house that a file goes to."""
    found = set()
    tree = ast.parse(path.read_text())
    if path.as_posix().endswith(SIGNATURES):
        tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and _types_only(node))]
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(path, "." * node.level + (node.module or ""))
            names = [f"{base}.{alias.name}" for alias in node.names]
        parts = [name.split(".") for name in names]
        found |= {part[1] for part in parts if part[0] == top and len(part) > 1}
    return found


def _types_only(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" and not node.orelse


def misplaced(top: str, folder: Path, plan: tuple[str, ...]) -> list[str]:
    """Who goes up: each room may know those that stand before it."""
    level = {room: number for number, room in enumerate(" ".join(plan).split())}
    wrong = []
    for path in sorted(folder.rglob("*.py")):
        own = path.relative_to(folder).parts[0].removesuffix(".py")
        if own != "__init__":
            up = [room for room in rooms(path, top) - {own} if level[room] > level[own]]
            wrong += [f"{path.relative_to(folder).as_posix()} -> {room}" for room in up]
    return wrong


@pytest.mark.parametrize(("top", "plan"), [("daecore", ROOMS), ("flows", STOREYS)])
def test_every_room_stands_in_the_plan(top: str, plan: tuple[str, ...]) -> None:
    there = {path.stem for path in (ROOT / top).glob("[!_]*.py")} | {
        path.parent.name for path in FILES if path.parent.parent == ROOT / top
    }
    assert there == set(" ".join(plan).split())


def test_no_import_goes_up_in_the_core() -> None:
    assert misplaced("daecore", ROOT / "daecore", ROOMS) == []


def test_no_import_goes_up_in_the_laboratory() -> None:
    assert misplaced("flows", ROOT / "flows", STOREYS) == []


def test_an_import_that_is_out_of_place_is_seen(tmp_path: Path) -> None:
    """The law itself: the store imports a stage, the statistics a plot."""
    for name, text in {"stats/claims.py": "from daecore.plots.figures import png\n", "plots/figures.py": ""}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    assert misplaced("daecore", tmp_path, ROOMS) == ["stats/claims.py -> plots"]


def modules(top: str) -> dict[str, set[str]]:
    """Each module and those it imports when it is imported itself, by their full names."""
    names = {place(path).removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in FILES}
    found = {}
    for name, path in names.items():
        if name.split(".")[0] != top:
            continue
        goes = set()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom):
                base = absolute(path, "." * node.level + (node.module or ""))
                named = [f"{base}.{alias.name}" for alias in node.names]
                goes |= {each if each in names else base for each in named}
        found[name] = (goes & names.keys()) - {name}
    return found


@pytest.mark.parametrize("top", PACKAGES)
def test_no_modules_import_each_other_in_a_circle(top: str) -> None:
    left = {name: {it for it in goes if it.split(".")[0] == top} for name, goes in modules(top).items()}
    while free := [name for name, goes in left.items() if not goes & left.keys()]:
        for name in free:
            del left[name]
    packages = {name for name in left if (ROOT / name.replace(".", "/")).is_dir()}
    assert left.keys() - packages == set()


def test_nobody_imports_the_plugins() -> None:
    assert importers("daecore_plugins") | importers("plugins") == set()


def test_the_core_imports_neither_flows_nor_a_relative_path() -> None:
    for path in (ROOT / "daecore").rglob("*.py"):
        wrong = [name for name in imports(path) if name.split(".")[0] in OURS - {"daecore"} or name.startswith(".")]
        assert wrong == [], place(path)


def test_the_core_goes_through_no_door_of_its_own() -> None:
    """Inside it the exact module: else the digest of a stage's code would follow a whole room."""
    doors = {place(path.parent).replace("/", ".") for path in (ROOT / "daecore").rglob("__init__.py")}
    exact = {place(path).removesuffix(".py").replace("/", ".") for path in FILES}
    for path in (ROOT / "daecore").rglob("[!_]*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module in doors:
                assert {f"{node.module}.{alias.name}" for alias in node.names} <= exact, place(path)


def test_plugins_use_the_front_door_only() -> None:
    """``from daecore import ...`` or ``from daecore.stats``, no module behind; relative imports stay in the plugin.

    A series of studies is one plugin, whose studies may have parts in common; any other is a file in its kind's folder.

    The bibliography is the one thing that extensions share: text, which computes nothing.
    """
    doors = {"daecore", *(f"daecore.{path.parent.name}" for path in (ROOT / "daecore").glob("*/__init__.py"))}
    for path in (ROOT / "plugins").rglob("*.py"):
        behind = [name for name in imports(path) if name.split(".")[0] in OURS and name not in doors]
        in_series = path.is_relative_to(ROOT / "plugins" / "studies")
        inside = len(path.relative_to(ROOT / "plugins" / "studies").parts) - 1 if in_series else 1
        out = "." * (inside + 1)  # one dot for each folder of the plugin, and one more
        outside = [name for name in imports(path) if name.startswith(out) and name != "..bibliography"]
        assert behind + outside == [], place(path)


SERIES = sorted(path.parent.name for path in (ROOT / "plugins" / "studies").glob("*/__init__.py"))


def named(path: Path) -> Iterator[str]:
    """What a file says to the machine: its names, and the words of its strings, docstrings left out."""
    tree = ast.parse(path.read_text())
    said = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, DOCUMENTED)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute | ast.alias | ast.arg | ast.FunctionDef | ast.ClassDef):
            yield from re.split(r"\W+", dotted(node) or getattr(node, "name", "") or getattr(node, "arg", ""))
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in said:
            yield from re.split(r"\W+", node.value)


DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def test_the_laboratory_names_no_series() -> None:
    """Ours are found as a stranger's are: through the registry."""
    assert SERIES == ["features", "lecture", "vincent"]
    found = {place(path): set(named(path)) & set(SERIES) for path in FILES if place(path).startswith("flows/")}
    assert {name: words for name, words in found.items() if words} == {}


def test_a_series_that_is_named_would_be_seen(tmp_path: Path) -> None:
    """The law itself, on each way to name one."""
    for text in ("from .lecture import x", "lecture = 1", "x = f'{y} lecture/arc'", "def lecture(): ...", "a.lecture"):
        (tmp_path / "one.py").write_text(text)
        assert "lecture" in set(named(tmp_path / "one.py")), text


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
    public = [
        node for node in public if "overload" not in map(ast.unparse, node.decorator_list)
    ]  # the last one says it
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


OTHER_NAMES = {
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "PIL": "pillow",
    "ruamel": "ruamel.yaml",
    "pywt": "pywavelets",
    "psycopg2": "psycopg2-binary",
}


@pytest.mark.parametrize(
    ("files", "extras"),
    [(PURE, ("chunks",)), (FILES, ("lab", "chunks", "cluster", "shared"))],
    ids=["the library", "the laboratory"],
)
def test_all_imports_are_declared(files: list[Path], extras: tuple[str, ...]) -> None:
    """What is imported is the standard library, ourselves, or a dependency that pyproject.toml names for that size."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    more = [name for extra in extras for name in project["optional-dependencies"][extra]]
    declared = {re.split(r"[>=<\[]", name)[0].lower() for name in [*project["dependencies"], *more]}
    names = {name.split(".")[0] for path in files for name in imports(path)}
    roots = names - OURS - {""} - set(sys.stdlib_module_names)
    undeclared = {root for root in roots if OTHER_NAMES.get(root, root).lower().replace("_", "-") not in declared}
    own_engine, for_tests = "pydantic_core", "pytest"  # pydantic pins the one; who calls `contract` has the other
    assert undeclared <= {own_engine, for_tests, "IPython"}  # which is there where a notebook is


POSIX = {"fcntl", "pwd", "grp", "resource", "termios"}


@pytest.mark.parametrize("path", PURE, ids=place)
def test_the_library_imports_on_every_platform(path: Path) -> None:
    """Nothing that POSIX alone has is imported, and nothing of it is asked for where a module begins."""
    assert POSIX & {name.split(".")[0] for name in imports(path)} == set()
    nodes = list(ast.walk(ast.parse(path.read_text())))
    words = {dotted(node) for node in nodes if isinstance(node, ast.Attribute)}
    assert words & {"os.fork", "os.register_at_fork", "os.geteuid", "os.getuid", "signal.SIGKILL"} == set()
    assert "pass_fds" not in {keyword.arg for node in nodes if isinstance(node, ast.Call) for keyword in node.keywords}
