"""Facts about `dae cite`: everything a run used that names a source, once and sorted, and daecore itself."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import pytest
from daecore_flows.store import citation as module
from daecore_flows.store.citation import citation

from daecore.experiment import provenance
from daecore.experiment.provenance import plugin_tags, recorded_in
from daecore.plugin.bibtex import entries
from daecore.plugin.registry import Registry, build, registry

USED = ("dataset mnist", "corruption erasure", "corruption blur", "architecture stacked", "objective cross_entropy")
PLUGIN = '''
from daecore import Corruption, Options, hookimpl

class Fog(Options):
    """Fades."""

def fog(x, options, *, generator):
    return x

@hookimpl
def register_corruptions():
    return [Corruption(name="fog", options=Fog, function=fog, source={source!r})]
'''


@pytest.fixture
def with_fog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Install a stranger's `fog` with this source beside the built-ins."""

    def install(source: str) -> None:
        (tmp_path / "fog.py").write_text(PLUGIN.format(source=source))
        fog = build([], [tmp_path / "fog.py"])
        both = Registry(MappingProxyType({**registry().extensions, **fog.extensions}), ())
        monkeypatch.setattr(provenance, "registry", lambda: both)

    return install


def test_what_a_run_used_is_cited_once_and_sorted() -> None:
    """What names no source (blur) adds nothing, and daecore's entry carries the installed version."""
    text = citation(dict.fromkeys(USED, ""), "the run 0a (digits)")
    assert text.splitlines()[0] == "% What the run 0a (digits) used, and daecore, with which it was made."
    assert [entry.key for entry in entries(text)] == ["daecore", "lecun1998", "vincent2008", "vincent2010"]
    assert f"version = {{{version('daecore')}}}" in text


def test_a_strangers_source_stands_beside_the_others(with_fog: Callable[[str], None]) -> None:
    with_fog("@misc{fog, author = {Fog, Eva}, title = {Fog}, year = {1999}}")
    text = citation({"corruption fog": ""}, "it")
    assert [entry.key for entry in entries(text)] == ["daecore", "fog"]


@pytest.mark.parametrize(
    ("source", "comment"),
    [
        (
            "Fog 1999",
            "% The corruption 'fog' ({origin}) names a source that is no BibTeX, which is left out: see "
            "`dae plugins check fog`.",
        ),
        (
            "@misc{daecore, author = {Fog}, title = {Fog}, year = {1999}}",
            "% The corruption 'fog' ({origin}) has another entry 'daecore', which is left out.",
        ),
    ],
)
def test_a_source_that_cannot_be_printed_is_left_out_with_a_comment(
    with_fog: Callable[[str], None], tmp_path: Path, source: str, comment: str
) -> None:
    """A stranger's mistake does not keep the others from being cited; the result is BibTeX still."""
    with_fog(source)
    text = citation({"corruption fog": ""}, "it")
    assert comment.format(origin=tmp_path / "fog.py") in text
    assert [entry.key for entry in entries(text)] == ["daecore"]


def test_our_own_entry_is_bibtex() -> None:
    (own,) = entries(module.OWN.format(version="1.2"))
    assert own.fields == ("author", "title", "version", "year")


def test_a_record_comes_back_from_the_tags_of_a_run() -> None:
    recorded = {"corruption erasure": "daecore 0.1.0 sha256:00"}
    assert recorded_in({**plugin_tags(recorded), "stage": "denoise"}) == recorded
