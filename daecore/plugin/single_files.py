"""Plugins without a package: single files in folders that ``DAE_PLUGIN_PATH`` names.

Knows files and modules. What a module registers is `daecore.plugin.registry`'s affair.
"""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

PLUGIN_PATH = "DAE_PLUGIN_PATH"


def plugin_files() -> Iterator[Path]:
    """The Python files in the folders of ``DAE_PLUGIN_PATH`` (separated as in ``PATH``), but for ``_private`` ones.

    A folder that is not there is given as it is, for its reader to complain about.
    """
    for folder in filter(None, os.environ.get(PLUGIN_PATH, "").split(os.pathsep)):
        path = Path(folder).expanduser().resolve()
        yield from sorted(path.glob("[!_]*.py")) if path.is_dir() else (path,)


def load_file(path: Path) -> ModuleType:
    """The module in a file, under a name of its own, by which another process finds it, too.

    Raises:
        Exception: Whatever the file raises.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{PLUGIN_PATH} names {path}, which is no folder")
    name = f"dae_file_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
