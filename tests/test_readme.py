"""The README's code does what it says."""

import re
import subprocess
import sys
from pathlib import Path

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)


def test_the_plugin_in_the_readme_registers_its_corruption() -> None:
    names: dict = {}
    exec(compile(BLOCKS[0], "README.md", "exec"), names)
    (extension,) = names["register_corruptions"]()
    assert extension.name == "scan"


def test_the_notebook_in_the_readme_runs(tmp_path: Path) -> None:
    """As it stands, in an empty folder; its last line prints a PSNR."""
    done = subprocess.run([sys.executable, "-c", BLOCKS[1]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 5 < float(re.search(r"tensor\((.*?)[,)]", done.stdout.splitlines()[-1])[1]) < 40
