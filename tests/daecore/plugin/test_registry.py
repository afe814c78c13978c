"""Facts about the registry: it never raises while loading, and says who is to blame when a name is used.

Every plugin here is a real distribution: a module and its metadata, written into a folder on the path.
"""

import copy
import itertools
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from textwrap import indent
from typing import get_args

import pytest

from daecore.entry_points import Points
from daecore.errors import UnknownExtension
from daecore.plugin import hookspecs
from daecore.plugin.extension import Kind
from daecore.plugin.hookspecs import HOOKS
from daecore.plugin.kinds import KINDS
from daecore.plugin.registry import Registry, build, registry

HEAD = """
from daecore import Architecture, Corruption, Dataset, Extension, Objective, Options, hookimpl

class Nothing(Options):
    \"\"\"Changes nothing.\"\"\"

def nothing(x, options, *, generator):
    return x
"""
CLASSES = {"register_corruptions": "Corruption", "register_architectures": "Architecture"}
numbers = itertools.count()


def shipping(name: str, hook: str = "register_corruptions") -> str:
    """The source of a plugin with one extension."""
    made = CLASSES.get(hook, "Corruption")
    return hooked(f"return [{made}(name={name!r}, options=Nothing, function=nothing)]", hook)


def hooked(body: str, hook: str = "register_corruptions") -> str:
    return f"{HEAD}\n@hookimpl\ndef {hook}():\n{indent(body, '    ')}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(folder: Path, distribution: str, source: str, entry: str = "entry") -> None:
    """A distribution with one module and one entry point; modules get names of their own, never imported before."""
    module = f"stranger_{next(numbers)}"
    (folder / f"{module}.py").write_text(source)
    metadata = folder / f"{distribution}-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(f"[daecore.plugins]\n{entry} = {module}\n")


def installed(folder: Path) -> Registry:
    return build(point for one in distributions(path=[str(folder)]) for point in one.entry_points)


def test_the_built_ins_are_all_there_and_none_is_broken() -> None:
    assert registry().broken == ()
    assert {"erasure", "blur", "shot_noise"} <= set(registry().names("corruption"))
    assert {"dense", "conv", "unet", "upscaler"} <= set(registry().names("architecture"))


def test_a_strangers_extension_is_found_with_its_provenance(folder: Path) -> None:
    install(folder, "stranger", shipping("calm"))
    found = installed(folder).find("corruption", "calm")
    assert (found.provenance.distribution, found.provenance.version) == ("stranger", "1.2")
    assert len(found.provenance.digest) == 64


def test_kinds_do_not_share_names(folder: Path) -> None:
    install(folder, "one", shipping("calm"))
    install(folder, "two", shipping("calm", hook="register_architectures"))
    assert installed(folder).names("corruption") == installed(folder).names("architecture") == ["calm"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_module_nobody_has", "ModuleNotFoundError: No module named 'a_module_nobody_has'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        (shipping("calm", hook="register_corruption"), "register_corruption"),
        (
            hooked("return 3"),
            "register_corruptions must return a list of Corruption, but returned 3. Return [Corruption(...)].",
        ),
        (
            hooked("return ['calm']"),
            "register_corruptions must return a list of Corruption, but 'calm' is in it. Return [Corruption(...)].",
        ),
        (
            hooked("return [Dataset(name='calm', options=Nothing, function=nothing)]"),
            "register_corruptions must return a list of Corruption, but the Dataset 'calm' is in it. Return that from "
            "register_datasets, or make it a Corruption.",
        ),
        (
            hooked("return [Corruption(name='calm', options=Nothing, function=nothing, classes=10)]"),
            "The Corruption 'calm' is put together wrongly: corruptions have no field 'classes'; datasets have. Leave "
            "it out. Known: composite, function, gaussian_sigma, host, name, options, output_shape, per_image, random, "
            "shapes, source, strength, unbiased.",
        ),
        (
            hooked("return [Corruption(name='calm', options=Nothing, function=nothing, unbias=True)]"),
            "corruptions have no field 'unbias'. Leave it out. Did you mean 'unbiased'? Known: composite,",
        ),
        (
            hooked("return [Objective(name='calm', options=Nothing)]", "register_objectives"),
            "The Objective 'calm' is put together wrongly: it needs function, and only name, options came. Add what is "
            "missing. The function is (options, corruptor) -> Loss.",
        ),
        (
            hooked("return [Objective(options=Nothing, function=nothing)]", "register_objectives"),
            "An Objective without a name is put together wrongly: it needs name, and only options, function came.",
        ),
        (
            hooked("return [Corruption(name='calm', options=Nothing, function='calm')]"),
            "The function of the corruption 'calm' must be (x, options, *, generator) -> Tensor | (Tensor, touched), "
            "got 'calm'. Give the function itself.",
        ),
        (
            hooked("return [Extension(name='calm', options=Nothing)]"),
            "The Extension 'calm' is put together wrongly: it has no kind. Return from each hook what it registers",
        ),
        (hooked("raise KeyError('inside')"), "KeyError: 'inside'"),
        (
            hooked("return [Corruption(name='calm', options=dict, function=nothing)]"),
            "The options of the corruption 'calm' must be a subclass of daecore.Options, got <class 'dict'>. Give the "
            "class itself: options=MyOptions.",
        ),
        (
            "from daecore import Options\nclass Needing(Options):\n    level: float\n"
            + hooked("return [Corruption(name='calm', options=Needing, function=nothing)]"),
            "Every option of the corruption 'calm' needs a default, but level has none. Write `level: ... = "
            "Field(default=...)`.",
        ),
    ],
)
def test_a_plugin_that_is_wrong_breaks_itself_only(folder: Path, source: str, reason: str) -> None:
    install(folder, "wrong", source, entry="storm")
    install(folder, "right", shipping("calm"))
    found = installed(folder)
    assert found.names("corruption") == ["calm"]
    (broken,) = found.broken
    assert broken.entry == "wrong:storm"
    assert reason in broken.reason


@pytest.mark.parametrize("name", [["list"], None, "", "two words", "esc\x1b[31m", "1st", 3], ids=repr)
def test_a_name_that_nobody_can_write_breaks_its_plugin_alone(folder: Path, name: object) -> None:
    """Lists of what there is are sorted by names, and people type them."""
    install(folder, "odd", hooked(f"return [Corruption(name={name!r}, options=Nothing, function=nothing)]"))
    install(folder, "good", shipping("fine"))
    found = installed(folder)
    assert found.names("corruption") == ["fine"]
    (broken,) = found.broken
    assert broken.provenance.distribution == "odd"
    assert "its name must be a word of letters, digits, hyphens and underscores" in broken.reason


def test_an_entry_point_that_names_no_module_breaks_itself_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the registry of all plugins nor that of series ends with it."""
    wrong = EntryPoint("badep", "not a valid!! thing", "daecore.plugins")
    assert [it.entry for it in build([wrong]).broken] == ["unknown:badep"]
    module = import_module("daecore.plugin.registry")
    monkeypatch.setattr(module, "find_points", lambda group: Points((wrong,)))
    assert module.series_registry.__wrapped__().extensions == {}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (hooked("[]"), "register_corruptions must return a list of Corruption, but returned None"),
        ("x = 1\n", "It registers nothing: .*stranger_.*answers none of the hooks register_corruptions,"),
    ],
    ids=["a forgotten return", "no hook"],
)
def test_a_plugin_that_brings_nothing_is_told(folder: Path, source: str, reason: str) -> None:
    """In silence its author would look for the fault everywhere else."""
    install(folder, "empty", source)
    (broken,) = installed(folder).broken
    assert re.search(reason, broken.reason)


def test_a_reason_of_many_lines_is_told_in_one(folder: Path) -> None:
    install(folder, "long", "raise SystemExit('bye\\nbye \\x1b[31m')\n")
    (broken,) = installed(folder).broken
    assert broken.reason == "SystemExit: bye bye \\x1b[31m. Mend it, or remove it."


def test_using_a_broken_plugin_tells_who_and_why(folder: Path) -> None:
    install(folder, "wrong", "import a_module_nobody_has", entry="storm")
    with pytest.raises(UnknownExtension, match=r"'storm' is installed but .*wrong 1\.2.*a_module_nobody_has"):
        installed(folder).find("corruption", "storm")


def test_what_is_put_together_wrongly_tells_its_user_who_and_why(folder: Path) -> None:
    """By the name the user wrote, whatever the plugin's entry point is called; and one paragraph, no traceback."""
    wrong = "return [Corruption(name='gale', options=Nothing, function=nothing, classes=10)]"
    install(folder, "wrong", hooked(wrong), entry="storm")
    with pytest.raises(UnknownExtension) as told:
        installed(folder).find("corruption", "gale")
    assert str(told.value).startswith(
        "The corruption 'gale' is installed but broken: the plugin wrong:storm (wrong 1.2) cannot be used: The "
        "Corruption 'gale' is put together wrongly: corruptions have no field 'classes'; datasets have. Leave it out."
    )
    assert "\n" not in str(told.value)


def test_an_unknown_name_points_at_the_plugins_that_could_not_be_read(folder: Path) -> None:
    """A plugin that does not import cannot say which names it would have shipped."""
    install(folder, "wrong", "import a_module_nobody_has", entry="storm")
    with pytest.raises(UnknownExtension, match="It may be in a broken plugin, wrong:storm: `dae plugins` tells"):
        installed(folder).find("corruption", "calm")


def test_each_kind_has_a_class_a_hook_and_a_name_for_its_type() -> None:
    assert set(KINDS) == set(HOOKS) == set(get_args(Kind))
    assert all(hasattr(hookspecs, hook) for hook in HOOKS.values())
    assert all(found.kind == kind for kind, found in KINDS.items())


def test_an_extension_can_be_copied_and_replaced() -> None:
    """Its constructor's questions are not asked of a copy, which gets its fields later."""
    erasure = registry().find("corruption", "erasure").extension
    assert copy.copy(erasure) == erasure
    assert replace(erasure, source="x").source == "x"


def test_two_strangers_with_one_name_both_lose_it(folder: Path) -> None:
    install(folder, "one", shipping("calm"))
    install(folder, "two", shipping("calm"))
    found = installed(folder)
    assert found.names("corruption") == []
    assert {broken.provenance.distribution for broken in found.broken} == {"one", "two"}
    with pytest.raises(UnknownExtension, match="taken by two too; rename it or uninstall one"):
        found.find("corruption", "calm")


@pytest.mark.parametrize("stranger", ["aaa", "zzz"])
def test_a_built_in_keeps_its_name_against_a_stranger(folder: Path, stranger: str) -> None:
    """Whichever is read first."""
    install(folder, "daecore", shipping("calm"))
    install(folder, stranger, shipping("calm"))
    found = installed(folder)
    assert found.find("corruption", "calm").provenance.distribution == "daecore"
    assert [broken.provenance.distribution for broken in found.broken] == [stranger]
    assert "taken by a built-in" in found.broken[0].reason


def test_an_unknown_name_lists_the_nearest_and_all(folder: Path) -> None:
    install(folder, "one", shipping("calm"))
    install(folder, "two", shipping("storm"))
    with pytest.raises(
        UnknownExtension, match=r"no corruption called 'clam'. Did you mean 'calm'\? Known: calm, storm"
    ):
        installed(folder).find("corruption", "clam")


def test_an_entry_point_without_a_distribution_is_no_accident() -> None:
    found = build([EntryPoint("ghost", "a_module_nobody_has", "daecore.plugins")])
    assert [broken.entry for broken in found.broken] == ["unknown:ghost"]


def test_the_registry_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        registry().extensions["corruption", "mine"] = None  # type: ignore[index]


def test_a_distribution_installed_with_pip_is_used_like_a_built_in(tmp_path: Path) -> None:
    """The example plugin, built and installed for real, corrupts a batch in a fresh process."""
    source, target = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(Path(__file__).parents[2] / "example_plugin", source)
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, source], check=True)
    code = f"""
import sys; sys.path.append({str(target)!r})
import torch
from daecore import Corruptor
from daecore.rng import stream
from daecore.plugin.spec import spec
result = Corruptor([spec("corruption", {{"scan": {{"period": 4}}}})])(torch.ones(8, 1, 28, 28), stream(0, "noise"))
print(result.x.mean().item())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == 0.75
