"""What the pages say can be done can be done: code runs, commands and options exist, experiments can be read."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES += sorted(path for path in DOCS.rglob("*.md") if "generated" not in path.parts)
NOTEBOOK = DOCS / "tutorials" / "notebook.md"  # it runs in a process of its own, below
TO_RUN = [
    path
    for path in PAGES
    if path != NOTEBOOK and (path.parent.name in ("tutorials", "how-to", "concepts") or path.name == "README.md")
]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", [path for path in TO_RUN if blocks(path, "python")], ids=named)
def test_the_code_of_a_page_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Block after block, with the names of those before, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": path.stem}
    for block in blocks(path, "python"):
        exec(compile(block, named(path), "exec"), names)


def test_the_plugin_of_the_tutorial_registers_its_corruption() -> None:
    """Under the name that the page uses. Another test checks the contract on `tests/example_plugin`, the same block."""
    (block,) = blocks(DOCS / "tutorials" / "first-corruption.md", "python")
    names: dict[str, Any] = {"__name__": "dae_scan"}
    exec(compile(block, "first-corruption.md", "exec"), names)
    (extension,) = names["register_corruptions"]()
    assert extension.name == "scan"


def test_the_notebook_s_last_line_prints_a_psnr(tmp_path: Path) -> None:
    """As it stands, in a process of its own and an empty folder."""
    (block,) = blocks(NOTEBOOK, "python")
    command, alone = [sys.executable, "-c", block], {**os.environ, "OMP_NUM_THREADS": "1"}  # two wait on a busy machine
    done = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 5 < float(re.search(r"tensor\((.*?)[,)]", done.stdout.splitlines()[-1])[1]) < 40


@pytest.mark.parametrize("path", [path for path in PAGES if blocks(path, "yaml")], ids=named)
def test_the_experiments_of_a_page_can_be_read(path: Path) -> None:
    from daecore.experiment import parse
    from daecore.experiment.yaml_text import load

    for block in blocks(path, "yaml"):
        parse(load(block, named(path)))


def commands(text: str) -> list[str]:
    """Every command `dae ...`: whole lines of code, and code within a sentence."""
    lines = re.findall(r"^ *(?:\.venv/bin/)?(dae .*)$", text, re.MULTILINE)
    within = re.findall(
        r"(?<!`)`(dae [^`]+)`(?!`)", re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    )
    return [*lines, *(re.sub(r"\s+", " ", words) for words in within)]


def mistakes(line: str) -> list[str]:
    """What in a command does not exist: the command, an option, a recipe."""
    import typer
    from daecore_flows.cli import app

    here, words = typer.main.get_command(app), iter(shlex.split(line, comments=True)[1:])
    path, found, given = "dae", [], []
    for word in words:
        option, equals, _ = word.partition("=")
        if option == "--plugin-path":
            next(words, None)
        elif word.startswith("-"):
            known = [item for item in here.params if option in (*item.opts, *item.secondary_opts)]
            if not known and option != "--help":
                found.append(f"{path} has no {option}")
            elif known and not known[0].is_flag and not equals:
                next(words, None)
        elif hasattr(here, "commands") and word.isalpha() and word.islower():
            here, path = here.commands.get(word), f"{path} {word}"
            if here is None:
                return [*found, f"there is no {path}"]
        else:
            given.append(word)
    recipe = given and any((item.metavar or "").startswith("RECIPE") for item in here.params)
    return [*found, *([f"there is no recipe {given[0]}"] if recipe and not is_recipe(given[0]) else [])]


def is_recipe(word: str) -> bool:
    from daecore_flows.store.recipes import packaged_recipes

    return word.isupper() or word.endswith((".yaml", ".json")) or word in packaged_recipes()


@pytest.mark.parametrize("path", [path for path in PAGES if commands(path.read_text(encoding="utf-8"))], ids=named)
def test_the_commands_of_a_page_exist(path: Path) -> None:
    """Command, options and recipe of every line and every mention; nothing is run."""
    found = {line: mistakes(line) for line in commands(path.read_text(encoding="utf-8"))}
    assert {line: wrong for line, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("dae rn mnist-erasure", "there is no dae rn"),
        ("dae run mnist-erasure --epochs 3", "dae run has no --epochs"),
        ("dae plugins sow scan", "there is no dae plugins sow"),
        ("dae run mnist-ersure", "there is no recipe mnist-ersure"),
    ],
)
def test_a_wrong_command_is_found(line: str, wrong: str) -> None:
    assert mistakes(line) == [wrong]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_what_make_is_asked_for_can_be_made(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    asked = {*re.findall(r"^ *make ([a-z-]+)", text, re.MULTILINE), *re.findall(r"`make ([a-z-]+)", text)}
    assert asked <= targets


def test_baselines_and_controls_are_told_as_the_report_tells_them() -> None:
    from daecore.html import glossary

    text = (DOCS / "concepts" / "comparisons.md").read_text(encoding="utf-8")
    rows = {**glossary.BASELINES, **glossary.CLASSIFIERS}
    assert [name for name, said in rows.items() if f"| `{name}` | {said} |" not in text] == []


def test_the_page_of_results_is_what_is_kept() -> None:
    """`make figures` writes it from `docs/results/*.json`; a figure changed by hand shows here."""
    written = (DOCS / "results" / "index.md").read_text(encoding="utf-8")
    assert "\n".join(loaded("write_results").text()) + "\n" == written


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
