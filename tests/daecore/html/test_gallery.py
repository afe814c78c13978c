"""The gallery: one page that needs nothing else, and says what was measured as it was measured."""

import re
from typing import Any

import pytest

from daecore.html.gallery import gallery
from daecore.plots import figures

PNG = figures.png(figures.loss_curves([(1, 1.0, None), (2, 0.5, None)]))
MADE = {"date": "2026-01-02", "commit": "0123456789abcdef", "series": "lecture"}


def section(**changes: Any) -> dict[str, Any]:
    figure = {"value": 24.9, "low": 24.8, "high": 25.0, "n": 10_000, "unit": "dB"}
    plain = {"value": 2.0, "low": None, "high": None, "n": 1, "unit": ""}
    return {
        "id": "erasure", "title": "Pixels <erased>", "description": "Half are gone & come back.", "quick": False,
        "figures": {"best_db": figure, "ratio": plain}, "notes": ["Above every baseline."],
        "tables": [{"title": "Methods", "head": ["method", "dB"], "rows": [["linear", "17.80"]]}],
        "pictures": [{"name": "panel", "caption": "Twelve digits"}],
        "experiments": {"run lecture/erasure-0.5": {"seed": 0}}, "made": MADE,
        "run_id": "abc", "link": "", "seconds": 12.0, **changes,
    }  # fmt: skip


def page(*sections: dict[str, Any], failed: dict[str, str] | None = None) -> str:
    return gallery(
        "The lecture", sections, {item["id"]: {"panel": PNG} for item in sections}, failed=failed or {}, made=MADE
    )


def test_the_page_needs_nothing_else() -> None:
    """No address is loaded from it: pictures are embedded, styles are inside."""
    html = page(section())
    assert html.count("src='data:image/png;base64,") == 1
    assert not re.search(r"(src|href)='(https?:)?//", html)
    assert "@media(prefers-color-scheme:dark)" in html
    assert "name='viewport'" in html


def test_numbers_stand_with_their_interval_and_count() -> None:
    html = page(section())
    assert "<td>best_db</td><td>24.9</td><td>24.8 to 25</td><td>dB</td><td>10000</td>" in html
    assert "<td>ratio</td><td>2</td><td></td>" in html


@pytest.mark.parametrize("text", ["Pixels &lt;erased&gt;", "gone &amp; come", "Above every baseline.", "linear"])
def test_what_is_said_is_shown_as_text(text: str) -> None:
    assert text in page(section())


def test_every_study_can_be_made_again_and_found() -> None:
    """Its command, its recipes' commands, its run; as a link where MLflow is served."""
    html = page(section(quick=True, link="http://127.0.0.1:5000/#/x"))
    assert "dae study lecture --only erasure --quick" in html
    assert "dae run lecture/erasure-0.5" in html
    assert "<a href='http://127.0.0.1:5000/#/x'>abc</a>" in html
    assert "Small budgets" in html


def test_a_study_that_failed_is_told() -> None:
    assert "gap failed: no &lt;room&gt;" in page(section(), failed={"gap": "no <room>"})


def test_what_all_studies_say_together_stands_above_them() -> None:
    overview = {"title": "All", "head": ["problem", "error"], "rows": [["rot", "9.53"]]}
    html = gallery("The lecture", [section()], {"erasure": {"panel": PNG}}, tables=[overview], failed={}, made=MADE)
    assert html.index("<td>9.53</td>") < html.index("<section id='erasure'>")
