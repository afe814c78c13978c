"""Facts about series: how one is declared and found, and what is said of one that is put together wrongly.

Every series here is a real distribution: a package and its metadata, written into a folder on the path.
"""

import itertools
from importlib.metadata import distributions
from pathlib import Path
from typing import cast

import pytest

from daecore import Series
from daecore.errors import InputError, PluginError, UnknownExtension
from daecore.plugin.registry import Registry, build, registry, series_registry
from daecore.study import find_study, overview_tables
from daecore.study import series as studies

numbers = itertools.count()
HEAD = "from daecore import Series, hookimpl\n"
STUDY = """
from daecore.study import Findings, Study

STUDY = Study(id="{id}", title="One", description="It asks.", recipes=("dusk/one",), run=lambda lab: Findings({{}}, ()))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(folder: Path, distribution: str, arguments: str, files: dict[str, str] | None = None) -> str:
    """A distribution with a series of these arguments; the name of its package, which was never imported before."""
    package = f"strange_series_{next(numbers)}"
    returned = f"[Series(package=__name__, title='Dusk', {arguments})]"
    written = {"__init__.py": f"{HEAD}\n@hookimpl\ndef register_series():\n    return {returned}\n", **(files or {})}
    for name, text in written.items():
        path = folder / package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    metadata = folder / f"{distribution}-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(f"[daecore.plugins]\nentry = {package}\n")
    return package


def installed(folder: Path) -> Registry:
    return build(point for one in distributions(path=[str(folder)]) for point in one.entry_points)


def found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Series:
    """The one series that is installed in a folder; messages about it know its distribution."""
    there = installed(folder)
    monkeypatch.setattr(studies, "series_registry", lambda: there)
    return cast("Series", there.find("series", "dusk").extension)


def test_ours_are_found_as_a_stranger_s_are_without_loading_other_plugins() -> None:
    assert series_registry().names("series") == registry().names("series") == ["features", "lecture", "vincent"]
    assert {kind for kind, _ in series_registry().extensions} == {"series"}


def test_a_stranger_s_series_is_found_with_its_provenance(folder: Path) -> None:
    install(folder, "dae-dusk", "name='dusk', ids=('one',)")
    item = installed(folder).find("series", "dusk")
    assert (item.provenance.distribution, item.provenance.version) == ("dae-dusk", "1.2")
    assert item.extension.summary == "Dusk."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("name='dusk', ids=('one', 'two', 'one')", "'dusk' has two studies of the id 'one'. Give it ids, each once"),
        ("name='dusk', ids=()", "The series 'dusk' has no studies"),
        ("name='Dusk', ids=('one',)", "'Dusk' can name no series and no study: write small letters"),
        ("name='dusk', ids=('a-b',)", "'a-b' can name no series and no study"),
    ],
)
def test_a_series_that_is_put_together_wrongly_names_its_distribution(folder: Path, arguments: str, said: str) -> None:
    """One paragraph, and no other plugin is taken down."""
    install(folder, "dae-dusk", arguments)
    (broken,) = installed(folder).broken
    assert broken.provenance.distribution == "dae-dusk"
    assert said in broken.reason
    assert "\n" not in broken.reason


def test_two_series_of_one_name_are_both_refused_and_a_built_in_keeps_its_own(folder: Path) -> None:
    install(folder, "one", "name='dusk', ids=('one',)")
    install(folder, "two", "name='dusk', ids=('one',)")
    there = installed(folder)
    assert [item.provenance.distribution for item in there.broken] == ["one", "two"]
    with pytest.raises(UnknownExtension, match="the series name 'dusk' is taken by two too"):
        there.find("series", "dusk")


def test_a_module_that_is_no_package_is_no_series(folder: Path) -> None:
    with pytest.raises(PluginError, match=r"write the series in a folder's __init__\.py, with package=__name__"):
        Series(name="dusk", title="Dusk", ids=("one",), package="json.decoder").recipes()


def test_recipes_lie_beside_the_studies_and_carry_the_series_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(folder, "dae-dusk", "name='dusk', ids=('one',)", {"a.yaml": "", "one/b-0.5.yaml": "", "one/c.txt": ""})
    assert list(found(folder, monkeypatch).recipes()) == ["dusk/a", "dusk/b-0.5"]


def test_two_recipes_of_one_name_are_refused(folder: Path) -> None:
    install(folder, "dae-dusk", "name='dusk', ids=('one',)", {"a.yaml": "", "one/a.yaml": ""})
    (broken,) = installed(folder).broken
    assert "brings two recipes called dusk/a: a.yaml and one/a.yaml. Rename one." in broken.reason


def test_a_study_is_loaded_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its neighbour, which does not even load, keeps nobody from running it; a folder is a study, too."""
    files = {"one/__init__.py": STUDY.format(id="one"), "two.py": "raise SystemExit('two')\n"}
    install(folder, "dae-dusk", "name='dusk', ids=('one', 'two')", files)
    series = found(folder, monkeypatch)
    assert find_study(series, "one").id == "one"
    with pytest.raises(InputError, match=r"'dusk' \(dae-dusk 1\.2\) cannot be used: its module .* SystemExit: two"):
        find_study(series, "two")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names the study 'one', but strange_series_.*one has no STUDY, a Study"),
        ("STUDY = 3\n", "has no STUDY, a Study"),
        (STUDY.format(id="other"), "calls itself 'other'"),
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_module_without_its_study_names_the_distribution(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    install(folder, "dae-dusk", "name='dusk', ids=('one',)", {"one.py": text})
    with pytest.raises(InputError, match=rf"^The series 'dusk' \(dae-dusk 1\.2\) .*{said}"):
        find_study(found(folder, monkeypatch), "one")


def test_one_module_may_hold_all_studies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = STUDY.format(id="one") + "STUDIES = {'one': STUDY}\n"
    install(folder, "dae-dusk", "name='dusk', ids=('one', 'two'), module='all'", {"all.py": text})
    series = found(folder, monkeypatch)
    assert find_study(series, "one").title == "One"
    with pytest.raises(InputError, match=r"has no STUDIES\['two'\]"):
        find_study(series, "two")


def test_an_unknown_study_is_answered_with_the_nearest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(folder, "dae-dusk", "name='dusk', ids=('one', 'other')")
    series = found(folder, monkeypatch)
    with pytest.raises(InputError, match=r"no study called 'othr' in the series 'dusk'. Did you mean 'other'"):
        find_study(series, "othr")
    assert series.select(["other", "one"]) == series.select([]) == ["one", "other"]


def test_a_series_without_an_overview_has_no_table_of_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(folder, "dae-dusk", "name='dusk', ids=('one',)")
    assert overview_tables(found(folder, monkeypatch), {}) == []
