"""The site builds, strictly; it needs no other server; its search finds what is asked for."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SECTIONS = ("tutorials", "how-to", "concepts", "reference", "results", "decisions", "lab-log")


def build(source: Path, out: Path, builder: str = "html") -> subprocess.CompletedProcess[str]:
    """As `make site` does it."""
    strict = ["--quiet", "--fail-on-warning", "--keep-going"]
    words = ["--builder", builder, "--conf-dir", DOCS, "--doctree-dir", out.parent / "doctrees", source, out]
    command = [sys.executable, "-m", "sphinx", *strict, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "site"
    done = build(DOCS, out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What writes the pages of the reference."""
    monkeypatch.syspath_prepend(str(DOCS))
    import reference_pages

    return reference_pages


def test_the_strict_build_has_every_section(site: Path) -> None:
    """No warning: no broken link, no page that nobody reaches, no docstring that cannot be read."""
    assert all((site / section / "index.html").is_file() for section in SECTIONS)


def test_a_broken_link_stops_the_build(tmp_path: Path) -> None:
    """Of a page, and of a heading on a page that is there."""
    (tmp_path / "index.md").write_text("# One\n\n[gone](gone.md) and [no heading](index.md#gone)\n")
    done = build(tmp_path, tmp_path / "built" / "site", "dummy")
    assert done.returncode == 1
    assert "'gone.md'" in done.stderr
    assert "'gone'" in done.stderr


def test_the_site_works_offline(site: Path) -> None:
    """Scripts, styles and pictures lie beside the pages: no page loads anything from elsewhere."""
    loads = re.compile(
        r"<(?:script|img|iframe)[^>]+src=\"(https?:)?//|<link[^>]+rel=\"stylesheet\"[^>]+href=\"(https?:)?//"
    )
    pages = [*site.rglob("*.html")]
    assert len(pages) > 80
    assert [page.name for page in pages if loads.search(page.read_text(encoding="utf-8"))] == []


def test_no_page_tells_of_the_machine_that_built_it(site: Path) -> None:
    home = str(Path.home())
    assert [page.name for page in site.rglob("*.html") if f"{home}/" in page.read_text(encoding="utf-8")] == []


def test_every_public_name_has_its_place_on_the_page_of_its_door(site: Path, reference: ModuleType) -> None:
    import importlib

    for door in reference.DOORS:
        text = (site / "reference" / "generated" / "api" / f"{door}.html").read_text(encoding="utf-8")
        names = importlib.import_module(door).__all__
        missing = [it for it in names if f'id="{door}.{it}"' not in text and f'.{it}"><code' not in text]
        assert not missing, door


def test_a_public_name_without_a_docstring_stops_the_build(
    reference: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bare.py").write_text('"""A door."""\n__all__ = ["silent"]\ndef silent(): pass\n')
    (tmp_path / "half.py").write_text('"""A door."""\n__all__ = ["A"]\nclass A:\n  """One."""\n  def go(self): pass\n')
    (tmp_path / "valued.py").write_text('"""A door."""\n__all__ = ["LEVEL"]\nLEVEL = 0.95\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match=r"bare\.silent is public and has no docstring: say in a sentence"):
        reference.api("bare")
    with pytest.raises(ValueError, match=r"half\.A\.go is public and has no docstring"):
        reference.api("half")
    with pytest.raises(ValueError, match=r"valued\.LEVEL is public .* put a string below its assignment"):
        reference.api("valued")


def test_a_report_s_key_without_words_stops_the_build(reference: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    import report_keys

    monkeypatch.delitem(report_keys.WORDS, "digest")
    monkeypatch.setitem(report_keys.WORDS, "diggest", "a slip")
    with pytest.raises(ValueError, match=r"no words for \['digest'\]; words for what is no field: \['diggest'\]"):
        report_keys.report()


def test_an_option_without_a_description_stops_the_build(reference: ModuleType) -> None:
    fields = {"epochs": SimpleNamespace(description=None)}
    with pytest.raises(ValueError, match=r"training\.epochs is not described: it has no description"):
        reference._options("training", "training.", fields)


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    """The site, served from this machine."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.long
@pytest.mark.e2e
def test_the_search_finds_baseline(page: Any, address: str) -> None:
    """As a reader does it: the button, the word, Enter. The glossary is among what is found."""
    page.goto(address)
    page.locator(".search-button__button:visible").first.click()
    page.locator("input[type=search]:visible").first.fill("baseline")
    page.keyboard.press("Enter")
    page.locator("ul.search li a", has_text="Glossary").first.wait_for()
    page.locator("ul.search li a", has_text="Glossary").first.click()
    page.get_by_text("What one gets without a network").wait_for()


@pytest.mark.long
@pytest.mark.e2e
def test_no_page_is_wider_than_a_phone(page: Any, address: str, site: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    wide = []
    for path in sorted(site.rglob("*.html")):
        page.goto(f"{address}/{path.relative_to(site)}")
        beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        wide += [path.name] if beyond > 0 else []
    assert wide == []


@pytest.mark.long
@pytest.mark.e2e
def test_a_browser_in_dark_mode_gets_dark_pages(page: Any, address: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(address)
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", colour)[:3])) < 64, colour
