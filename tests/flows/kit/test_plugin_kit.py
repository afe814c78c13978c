"""The kit for plugin authors: packages from templates, single files, the tutorial, the catalogue."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from daecore_flows.cli import main
from daecore_flows.kit.catalogue import formula, option_rows, preview_png, properties
from daecore_flows.kit.scaffold import create, files
from daecore_flows.store.layout import LAYOUT

from daecore.errors import InputError
from daecore.experiment.provenance import provenance
from daecore.model.autoencoder import Shapes, initialise
from daecore.plugin import hookspecs
from daecore.plugin.extension import Kind
from daecore.plugin.hookspecs import HOOKS
from daecore.plugin.installed import Installed
from daecore.plugin.kinds import KINDS
from daecore.plugin.registry import build, registry
from daecore.plugin.spec import spec
from daecore.testing import check_extension
from daecore.trained.model_file import ModelHeader, load_model
from daecore.training.checkpoint import save_tensors

ROOT = Path(__file__).parents[3]
TUTORIAL = (ROOT / "docs" / "tutorials" / "first-corruption.md").read_text()
EXTENSIONS = [item for _, item in sorted(registry().extensions.items()) if item.provenance.distribution == "daecore"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "series"])
def test_a_new_package_keeps_the_contract_as_it_is_made(kind: Kind, tmp_path: Path) -> None:
    """Whoever starts from a template starts from something that works."""
    made = create("snow_fall", kind, tmp_path)
    assert made.name == "dae-snow-fall"
    (item,) = build([], [made / "dae_snow_fall.py"]).extensions.values()
    assert item.kind == kind
    failed = [f for f in check_extension(item.extension) if f.state == "failed" and "another process" not in f.check]
    assert failed == []


def test_a_new_series_keeps_the_contract_as_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its study is run, too; it is a package, for its recipe lies beside."""
    made = create("snow_series", "series", tmp_path)
    monkeypatch.syspath_prepend(made)
    point = EntryPoint("snow_series", "dae_snow_series", "daecore.plugins")
    (item,) = build([point]).extensions.values()
    assert {finding.state for finding in check_extension(item.extension)} == {"passed"}
    assert tomllib.loads((made / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"] == {
        "*": ["*.yaml"]
    }


@pytest.mark.parametrize("name", ["Fog", "2fast", "my-fog", "class", ""])
def test_a_name_that_python_cannot_take_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot name a plugin"):
        create(name, "corruption", tmp_path)


def test_a_name_or_folder_that_is_taken_is_refused(tmp_path: Path) -> None:
    """Nothing of a user's is overwritten."""
    with pytest.raises(InputError, match="corruption called 'erasure' already, from daecore"):
        create("erasure", "corruption", tmp_path)
    made = create("fog", "corruption", tmp_path)
    (made / "dae_fog.py").write_text("mine")
    with pytest.raises(InputError, match="is there already, and nothing was changed"):
        create("fog", "corruption", tmp_path)
    assert (made / "dae_fog.py").read_text() == "mine"


def test_the_example_plugin_is_what_the_tutorial_makes() -> None:
    """Followed word by word: the package of `dae plugins new scan`, its module replaced by the tutorial's block."""
    made = files("scan", "corruption") | {"dae_scan.py": re.findall(r"```python\n(.*?)```", TUTORIAL, re.DOTALL)[0]}
    folder = ROOT / "tests" / "example_plugin"
    assert {path: (folder / path).read_text() for path in made} == made


def test_a_file_of_25_lines_passes_every_check(tmp_path: Path) -> None:
    """Docstring, imports and blank lines included."""
    text = '''"""Fog: every value fades towards white."""

from pydantic import Field

from daecore import Corruption, Options, Strength, hookimpl


class Fog(Options):
    """Every value fades towards white."""

    density: float = Field(default=0.5, ge=0, le=1, description="share of the light that is replaced")


def fog(x, options, *, generator):
    return x * (1 - options.density) + options.density


@hookimpl
def register_corruptions():
    strength = Strength("density", identity=0, low=0.1, high=0.9)
    return [Corruption(name="fog", options=Fog, function=fog, shapes="images", strength=strength, per_image=True)]
'''
    assert text.count("\n") <= 25
    (tmp_path / "fog.py").write_text(text)
    done = command(tmp_path, "plugins", "check", "fog", status=0)
    assert "✗" not in done.stdout
    assert "another process computes the same" in done.stdout


def command(folder: Path, *arguments: str, status: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DAE_PLUGIN_PATH": str(folder), "COLUMNS": "200"}
    dae = str(Path(sys.executable).parent / "dae")
    done = subprocess.run([dae, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def test_a_broken_file_takes_nobody_down(tmp_path: Path) -> None:
    """It is listed with its reason, and the others work."""
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "_helper.py").write_text("raise SystemExit('never loaded')\n")
    said = command(tmp_path, "plugins", status=0).stdout
    assert (
        f"The plugin broken.py ({tmp_path / 'broken.py'}) cannot be used: ModuleNotFoundError: No module named "
        "'no_such_module'. Mend it, or remove it." in said
    )
    assert "never loaded" not in said
    assert "erasure" in said


def test_a_plugin_path_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = build([], [tmp_path / "nowhere"]).broken
    assert "names" in found[0].reason
    assert str(tmp_path / "nowhere") in found[0].reason


def test_the_plugin_path_may_stand_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`dae plugins --plugin-path DIR` and `dae --plugin-path=DIR plugins` set what every child process reads."""
    for arguments in (["recipes", "--plugin-path", str(tmp_path)], [f"--plugin-path={tmp_path}", "recipes"]):
        monkeypatch.setenv("DAE_PLUGIN_PATH", "")
        assert main(arguments) == 0
        assert os.environ["DAE_PLUGIN_PATH"] == str(tmp_path)


def test_a_plugin_path_without_a_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "--plugin-path"]) == 2
    assert "--plugin-path needs a folder" in capsys.readouterr().err


def test_strengths_go_from_the_weakest_to_the_strongest() -> None:
    """Evenly, whole where the option is whole, and none twice."""
    strengths = {name: registry().find("corruption", name).extension.strengths(5) for name in ("erasure", "downscale")}
    assert strengths == {"erasure": [0.1, 0.3, 0.5, 0.7, 0.9], "downscale": [2, 3, 4]}
    assert registry().find("corruption", "mixture").extension.strengths(5) == []


@pytest.mark.parametrize("item", EXTENSIONS, ids=lambda item: f"{item.kind}-{item.extension.name}")
def test_every_extension_is_documented(item: Installed) -> None:
    """A summary, a formula or sentence, and words and range for every option: what the catalogue shows."""
    assert item.extension.summary.endswith((".", ")"))
    assert formula(item.extension) or item.kind == "series"  # a heading says what it is
    for name, _, _, description in option_rows(item.extension):
        assert description, name
    assert properties(item)


@pytest.mark.parametrize("hook", HOOKS.values())
def test_every_hook_is_documented(hook: str) -> None:
    assert getattr(hookspecs, hook).__doc__
    assert hook in (ROOT / "docs" / "reference" / "catalogue.md").read_text()


def test_the_catalogue_is_what_the_registry_says() -> None:
    """`make docs` writes it; a change of an option, a default or a sentence shows here."""
    spec = importlib.util.spec_from_file_location("write_catalogue", ROOT / "docs" / "write_catalogue.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "reference" / "catalogue.md").read_text()
    assert without_speed(module.text()) == without_speed(written)


def without_speed(text: str) -> str:
    return re.sub(r"^speed: .*$", "", text, flags=re.MULTILINE)


FOG = """
from daecore import Corruption, Options, hookimpl

class Fog(Options):
    'Fades.'

def fog(x, options, *, generator):
    return x * 0.5

@hookimpl
def register_corruptions():
    return [Corruption(name="fog", options=Fog, function=fog, shapes="images")]
"""


def report_of(folder: Path) -> Path:
    """The part of a run's report that its experiment and its plugins stand in, as `dae run` wrote it."""
    item = next(iter(build([], [folder / "fog.py"]).extensions.values()))
    origin = f"{item.provenance.distribution} {item.provenance.version} sha256:{item.provenance.digest}"
    experiment = {"dataset": {"digits": {}}, "corruptions": [{"fog": {}}], "transfer": None, "training": {"epochs": 0}}
    path = folder / "report.json"
    report = {"experiment": experiment, "plugins": {"corruption fog": origin}, "layout": LAYOUT}
    path.write_text(json.dumps(report))
    return path


def test_a_report_runs_again_only_with_the_plugins_it_had(tmp_path: Path) -> None:
    """Same code: on to the next mistake (no epochs). Changed: what differs. Missing: what to install."""
    (tmp_path / "fog.py").write_text(FOG)
    report = str(report_of(tmp_path))
    assert "training.epochs" in command(tmp_path, "run", report, status=2).stderr
    (tmp_path / "fog.py").write_text(FOG.replace("0.5", "0.6"))
    said = command(tmp_path, "run", report, status=2).stderr
    assert "The corruption 'fog' was" in said
    assert "--allow-changed-plugins" in said
    assert "training.epochs" in command(tmp_path, "run", report, "--allow-changed-plugins", status=2).stderr
    (tmp_path / "fog.py").unlink()
    said = command(tmp_path, "run", report, "--allow-changed-plugins", status=2).stderr
    assert "The corruption 'fog' is not installed: name its folder with --plugin-path" in said


def test_a_model_says_what_it_needs(tmp_path: Path) -> None:
    """Its file knows the architecture's plugin; another one is refused, or allowed by name."""
    chosen = spec("architecture", {"conv": {"code": 4}})
    network = initialise(chosen, Shapes((1, 8, 8), (1, 8, 8)), 0)
    path = tmp_path / "weights.safetensors"

    def save(plugins: dict[str, str]) -> None:
        shapes = {"input_shape": (1, 8, 8), "output_shape": (1, 8, 8)}
        save_tensors(path, network.state_dict(), ModelHeader(architecture=chosen.dump(), plugins=plugins, **shapes))

    save(provenance([chosen]))
    x = torch.rand(2, 1, 8, 8)
    assert torch.equal(load_model(path)(x), network.eval()(x))
    save({"architecture conv": "daecore 0.0.1 sha256:abc"})
    with pytest.raises(InputError, match=r"was daecore 0.0.1 with code abc, and is daecore 0.1.0 with code"):
        load_model(path)
    assert torch.equal(load_model(path, allow_changed_plugins=True)(x), network(x))
    save({"architecture deep": "dae-deep 2.1 sha256:abc"})
    with pytest.raises(InputError, match=r"'deep' is not installed: pip install dae-deep==2.1"):
        load_model(path, allow_changed_plugins=True)


def test_a_preview_is_a_picture() -> None:
    assert preview_png(registry().find("corruption", "blur"))[:4] == b"\x89PNG"
    assert preview_png(registry().find("dataset", "arc")) is None
