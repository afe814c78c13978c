"""Facts about the registry: it never raises while loading, and says who is to blame when a name is used.

Every plugin here is a real distribution: a module and its metadata, written into a folder on the path.
"""

import itertools
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint, distributions
from pathlib import Path
from textwrap import indent

import pytest

from daecore.errors import UnknownExtension
from daecore.plugin.registry import Registry, build, registry

HEAD = """
from daecore import Extension, Options, hookimpl

class Nothing(Options):
    \"\"\"Changes nothing.\"\"\"

def nothing(x, options, *, generator):
    return x
"""
EXTENSION = "Extension(name={name!r}, options=Nothing, function=nothing)"
numbers = itertools.count()


def shipping(name: str, hook: str = "register_corruptions") -> str:
    """The source of a plugin with one extension."""
    return hooked(f"return [{EXTENSION.format(name=name)}]", hook)


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


def test_the_hook_decides_the_kind_and_kinds_do_not_share_names(folder: Path) -> None:
    install(folder, "one", shipping("calm"))
    install(folder, "two", shipping("calm", hook="register_architectures"))
    assert installed(folder).names("corruption") == installed(folder).names("architecture") == ["calm"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import a_module_nobody_has", "ModuleNotFoundError: No module named 'a_module_nobody_has'"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        (shipping("calm", hook="register_corruption"), "register_corruption"),
        (hooked("return 3"), "register_corruptions must return a list of Extension, but returned 3"),
        (hooked("return ['calm']"), "must return a list of Extension"),
        (hooked("raise KeyError('inside')"), "KeyError: 'inside'"),
        (hooked("return [Extension(name='calm', options=dict, function=nothing)]"), "subclass of daecore.Options"),
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


def test_using_a_broken_plugin_tells_who_and_why(folder: Path) -> None:
    install(folder, "wrong", "import a_module_nobody_has", entry="storm")
    with pytest.raises(UnknownExtension, match=r"'storm' is installed but .*wrong 1\.2.*a_module_nobody_has"):
        installed(folder).find("corruption", "storm")


def test_two_strangers_with_one_name_both_lose_it(folder: Path) -> None:
    install(folder, "one", shipping("calm"))
    install(folder, "two", shipping("calm"))
    found = installed(folder)
    assert found.names("corruption") == []
    assert {broken.provenance.distribution for broken in found.broken} == {"one", "two"}
    with pytest.raises(UnknownExtension, match="taken by another plugin too; rename it or uninstall one"):
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
