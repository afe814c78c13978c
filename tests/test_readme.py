"""The README is short, its links lead somewhere, and what a tool needs at its top is there.

Its commands, and the code of the pages, are checked in `tests/docs/`.
"""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TREE = "## The tree"


def test_the_tree_is_the_last_section_and_the_rest_fits_on_a_screen_and_a_half() -> None:
    assert re.findall(r"^## .*$", README, re.MULTILINE)[-1] == TREE
    assert README.partition(TREE)[0].count("\n") <= 65


def test_readme_has_at_most_120_lines() -> None:
    assert README.count("\n") <= 120


def test_the_tree_names_every_folder_and_module_that_is_there() -> None:
    """`make docs` writes it: a module that is moved, made or taken away shows here."""
    found = importlib.util.spec_from_file_location("write_tree", ROOT / "docs" / "write_tree.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    assert module.readme() == README


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", README))))
def test_a_link_leads_somewhere(link: str) -> None:
    name, _, heading = link.partition("#")
    assert (ROOT / name).is_file()
    headings = re.findall(r"^#+ (.*)$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE) if heading else []
    assert not heading or heading in map(anchor, headings)


def test_the_licence_is_there_whole() -> None:
    """From its title to the end of its appendix, under the name that the package gives."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    sections = re.findall(r"^ +(\d)\. [A-Z]", text, re.MULTILINE)
    assert PROJECT["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert sections == list("123456789")
    assert "END OF TERMS AND CONDITIONS" in text
    assert "APPENDIX: How to apply the Apache License to your work." in text
    assert text.rstrip().endswith("limitations under the License.")


def test_the_citation_names_this_version_and_these_authors() -> None:
    """The required keys of the Citation File Format 1.2.0, and the facts of `pyproject.toml`."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["message"]
    assert cited["title"].startswith(PROJECT["name"])
    assert cited["type"] == "software"
    assert cited["version"] == PROJECT["version"]
    assert cited["license"] == PROJECT["license"]
    assert cited["authors"] == PROJECT["authors"]
