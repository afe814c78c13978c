"""A stranger's folder: whatever of it is executed leaves a mark."""

import subprocess
from pathlib import Path

MODULES = (
    "random",
    "logging",
    "prefect",
    "mlflow",
    "torch",
    "numpy",
    "uvicorn",
    "daecore",
    "sitecustomize",
    "PIL",
    "sqlite3",
    "scipy",
    "pandas",
)
LOGGING = """
version: 1
disable_existing_loggers: false
handlers: {strange: {"()": os.system, command: "echo logging >> MARK"}}
root: {handlers: [strange]}
"""


class StrangeFolder:
    """One of them, filled."""

    def __init__(self, folder: Path) -> None:
        self.path, self.mark = folder, folder / "mark"
        for name in MODULES:
            (folder / f"{name}.py").write_text(f"open({str(self.mark)!r}, 'a').write('{name} ')\n")
        (folder / "strange.yml").write_text(LOGGING.replace("MARK", str(self.mark)))
        (folder / "prefect.toml").write_text(
            '[logging]\nconfig_path = "strange.yml"\n[api]\nurl = "http://evil.example/api"\n'
        )
        (folder / "pyproject.toml").write_text('[tool.prefect.logging]\nconfig_path = "strange.yml"\n')
        (folder / ".env").write_text(
            "PREFECT_LOGGING_CONFIG_PATH=strange.yml\nPREFECT_API_URL=http://evil.example/api\n"
        )
        _strange_repository(folder, self.mark)

    def unharmed(self) -> None:
        """Nothing of it was executed."""
        assert not self.mark.exists(), f"executed: {self.mark.read_text()}"


def _strange_repository(folder: Path, mark: Path) -> None:
    """A repository whose configuration lets `git log` run a program, to look at the signature of a commit."""
    program = folder / "gpg"
    program.write_text(f"#!/bin/sh\necho git >> {mark}\n")
    program.chmod(0o755)

    def git(*words: str, given: str = "") -> str:
        return subprocess.run(
            ["git", *words], cwd=folder, input=given, capture_output=True, text=True, check=True
        ).stdout

    git("init", "--quiet", "--initial-branch=main")
    git("config", "log.showSignature", "true")
    git("config", "gpg.program", str(program))
    who = "A <a@b.c> 1700000000 +0000"
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----"
    tree = git("hash-object", "-t", "tree", "-w", "--stdin").strip()
    text = f"tree {tree}\nauthor {who}\ncommitter {who}\n{signature}\n\nhello\n"
    git("update-ref", "HEAD", git("hash-object", "-t", "commit", "-w", "--stdin", given=text).strip())
