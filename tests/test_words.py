"""One thing has one word: names that were given up are nowhere in code, settings, pages and texts.

Plain words such as look, folder, noise or place cannot be given up. The names of random streams are data and stay.
"""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from daecore_flows.store.final_report import FinalReport

from daecore.trained.model_file import ModelHeader

ROOT = Path(__file__).parent.parent

GONE = {  # the old name: what it is called now
    "Referee": "Baseline",
    "RefereeScore": "BaselineScore",
    "Referees": "Baselines",
    "best_referee": "best_baseline",
    "measure_referees": "measure_baselines",
    "referees": "baselines",
    "KernelMachine": "Svm",
    "KernelMachineOptions": "SvmOptions",
    "KernelMachineReport": "SvmReport",
    "judge_kernel_machine": "choose_svm",
    "judge_machine": "evaluate_svm",
    "calibrate": "evaluate_svm",
    "judge": "evaluate",
    "judged": "evaluated",
    "Judged": "Evaluated",
    "NotJudged": "NotChecked",
    "judge_findings": "check_findings",
    "Place": "Device",
    "PlacedRequest": "DeviceRequest",
    "place_of": "device_of",
    "resolve_place": "resolve_device",
    "Look": "ValidationCheck, Assessment",
    "looks": "validation_checks",
    "Initialisation": "PretrainedEncoder",
    "save_progress": "save_training_state",
    "load_progress": "load_training_state",
    "says": "description",
    "BUDGETS": "LABEL_DRAWS",
    "budgets": "label_draws, label_counts",
    "PLAIN": "CONTROL, STACKED",
    "initialised": "initialise",
    "drifted": "describe_drift",
}
NO_FUNCTIONS = {  # good names of values, given up as names of functions
    "told": "format_interval",
    "claimed": "is_claim",
    "arrived": "last_state",
    "fitted": "fit",
    "labelled": "draw_labelled",
    "applied": "apply",
    "held": "hold",
    "repeated": "repeat",
    "published": "find_published",
    "described": "describe_deployments",
    "unwatched": "ignore_tiles",
    "look": "assess",
}
NO_KEYS = {  # of settings, reports and model files
    "data": "dataset",
    "autoencoder": "architecture",
    "looks": "validation_checks",
    "referees": "baselines",
    "best_referee": "best_baseline",
    "place": "device",
    "says": "description",
}
NO_TEXT = re.compile(r"referee|\bjudg|kernel machine|conducting|cookbook", re.IGNORECASE)
NO_SETTING = re.compile(  # in a recipe on a page, in `--set` and in Python
    r"^(?:data|autoencoder): *[{a-z]|\b(?:data|autoencoder)(?:\.\w+)+=(?!=)|\b(?:data|autoencoder)=\{|\{clean: ",
    re.MULTILINE,
)
STREAMS = ('"linear referee"', '"judging"')


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository."""
    found = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    names = (ROOT / name for name in found.stdout.splitlines())
    return [path for path in names if path.is_file() and path != Path(__file__)]


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def words(text: str) -> Iterator[tuple[int, str]]:
    """The names in a module, each with its line; comments and strings hold none."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            yield token.start[0], token.string


def old_names(text: str) -> list[str]:
    """What of a module is called as it was before: any name of `GONE`, and functions of `NO_FUNCTIONS`."""
    found = [f"line {line}: {name} is now {GONE[name]}" for line, name in words(text) if name in GONE]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in NO_FUNCTIONS:
            found.append(f"line {node.lineno}: {node.name}() is now {NO_FUNCTIONS[node.name]}()")
    return found


def keys(value: Any) -> Iterator[str]:
    """All keys of nested mappings."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def test_old_names_are_found_where_they_are() -> None:
    """The tests below can fail: a name, a function, a key and a text that are old are seen."""
    old = "def told(x):\n    return judge(x)\n\n\nclaimed = 1  # judge\n"
    assert old_names(old) == ["line 2: judge is now evaluate", "line 1: told() is now format_interval()"]
    assert set(keys({"a": [{"data": 1}]})) & set(NO_KEYS) == {"data"}
    assert NO_TEXT.search("the best Referee")
    for setting in ("data: {mnist: {}}", "--set autoencoder.conv.code=8", '"data={arc: {}}"', "objective: {clean: {}}"):
        assert NO_SETTING.search(setting)


def test_no_module_uses_a_name_that_was_given_up() -> None:
    """Which name holds now stands in the list."""
    found = {relative(path): old_names(path.read_text(encoding="utf-8")) for path in tracked("*.py")}
    assert len(found) > 500
    assert {path: names for path, names in found.items() if names} == {}


def test_no_recipe_uses_an_old_key() -> None:
    """An experiment's sections are named as the kinds of its plugins."""
    recipes = tracked("flows/recipes/*.yaml", "plugins/studies/*.yaml", "tests/example_series/*.yaml")
    found = {relative(path): set(keys(yaml.safe_load(path.read_text(encoding="utf-8")))) for path in recipes}
    assert len(found) > 80
    assert {path: names & set(NO_KEYS) for path, names in found.items() if names & set(NO_KEYS)} == {}


@pytest.mark.parametrize("record", [FinalReport, ModelHeader])
def test_no_record_that_is_kept_has_an_old_key(record: Any) -> None:
    """Reports and model files are read by others: their keys are the field's words, at every depth."""
    schema = record.model_json_schema()
    fields = [name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", {})]
    assert len(fields) > 4
    assert set(fields) & set(NO_KEYS) == set()


def test_no_text_uses_a_word_that_was_given_up() -> None:
    """Neither prose nor messages; names of random streams are data, as another name would give other numbers."""
    found = {}
    for path in tracked("daecore", "flows", "plugins", "docs", "tests", "bench", "README.md", "deploy"):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # a picture
            continue
        for name in STREAMS:
            text = text.replace(name, "")
        found[relative(path)] = [*NO_TEXT.findall(text), *NO_SETTING.findall(text)]
    assert len(found) > 600
    assert {path: words for path, words in found.items() if words} == {}
