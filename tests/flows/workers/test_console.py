"""What we log is heard, whatever libraries do to the loggers around ours."""

import logging

import pytest
from daecore_flows.cli.progress import watch


def test_a_warning_is_heard_also_where_a_library_has_raised_the_root_loggers_level(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """And afterwards our loggers have the levels that they had."""
    root, ours = logging.getLogger(), logging.getLogger("daecore")
    before, level = root.level, ours.level
    root.setLevel(logging.ERROR)
    try:
        with watch():
            ours.warning("one thing is odd")
            logging.getLogger("daecore.progress").info("half of it is done")
    finally:
        root.setLevel(before)
    said = capfd.readouterr().err
    assert "warning: one thing is odd" in said
    assert "half of it is done" in said
    assert ours.level == level
