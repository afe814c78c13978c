"""The limit of time for tests, as it is given on the command line."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_tests_that_would_begin_too_late_are_skipped_and_named():
    command = [sys.executable, "-m", "pytest", "-rs", "--stop-after", "0", str(HERE / "test_rng.py")]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "tests/test_rng.py::test_" in done.stdout
    assert "would begin after more than 0 s" in done.stdout
    assert "passed" not in done.stdout
