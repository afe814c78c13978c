"""The working folder holds data, never code: what libraries would take from it by themselves, they do not find.

- Prefect reads settings from its `prefect.toml`, `.env` and `pyproject.toml`, and a logging configuration that one of
  them names may call any function. Here only the environment counts, and what Prefect ships.
- PyTorch's CUDA wheels bring a library, cuSPARSELt, whose search path ends in an empty entry: to import torch loads a
  `libcuda.so.1` that lies in the working folder. Here torch is imported from the root of the file system.
- matplotlib takes the first `matplotlibrc` from the working folder. It is imported from the root, too.
- Prefect asks git of the working folder which version a deployment has, and git runs programs that the configuration
  of a repository names. Here nobody is asked.
- Prefect believes a cached result that says how it is to be read, be it by unpickling or by calling a function. The
  default store lies in the working folder, so here a result is JSON of our records, or is not read.

All is arranged when this package is imported, before the libraries are. Python's own search path is not its matter: our
child processes are started with `-P`.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = os.path.abspath(os.sep)  # where nobody but its administrator puts files: servers work there, torch is imported
Execute = Callable[[ModuleType], None]


def keep_out() -> None:
    """Change how these libraries are imported, in this process; what is imported already stays as it is."""
    sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds the modules of `_EXECUTED` where Python finds them, and executes them our way."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        executed = _EXECUTED.get(fullname)
        spec = None if executed is None else PathFinder.find_spec(fullname, path, target)
        if executed is None or spec is None or spec.loader is None:
            return None
        execute: Execute = spec.loader.exec_module
        spec.loader.exec_module = lambda module: executed(module, execute)  # type: ignore[method-assign]
        return spec


def replace(owner: ModuleType | type, name: str, value: object) -> None:
    """Put something of ours in the place of a library's.

    Raises:
        AttributeError: The library has it no longer, so that something else would have to be replaced.
    """
    getattr(owner, name)
    setattr(owner, name, value)


def _from_the_root(module: ModuleType, execute: Execute) -> None:
    """Import with another working folder; threads share it meanwhile, and commands have none yet."""
    with contextlib.chdir(ROOT):
        execute(module)


def _without_files(module: ModuleType, execute: Execute) -> None:
    def profiles() -> Path:
        return Path(os.environ.get("PREFECT_PROFILES_PATH", os.devnull))

    execute(module)
    replace(module.TomlConfigSettingsSourceBase, "_read_files", lambda *_, **__: {})  # prefect.toml, pyproject.toml
    replace(module.DotEnvSettingsSource, "_read_env_files", lambda *_, **__: {})  # .env
    replace(module, "_get_profiles_path", profiles)  # named in any of the three


def _without_git(module: ModuleType, execute: Execute) -> None:
    async def unknown(*_: object) -> None:
        """No version is known."""

    execute(module)
    replace(module, "get_inferred_version_info", unknown)


def _json_alone(module: ModuleType, execute: Execute) -> None:
    execute(module)
    plain = module.JSONSerializer()
    loads = module.JSONSerializer.loads

    def read(serializer: object, content: bytes) -> object:
        if serializer != plain:
            raise ValueError(f"A cached result says that it is to be read by {serializer!r:.200}. It is not read.")
        return loads(serializer, content)

    for kind in (module.PickleSerializer, module.JSONSerializer, module.CompressedSerializer):
        replace(kind, "loads", read)
    replace(module, "prefect_json_object_decoder", decode_record)


def decode_record(found: dict[str, Any]) -> Any:
    """An object of a cached result: one of our records, where it says so, and plain JSON else.

    Prefect would import, and call, whatever is named there: a function of any module, too.

    Raises:
        ValueError: It names anything else.
    """
    if not {"__class__", "__exc_type__"} & found.keys():
        return found
    from daecore.record import Record

    module, _, name = str(found.get("__class__")).rpartition(".")
    kind = getattr(sys.modules.get(module), name, None)
    if not (isinstance(kind, type) and issubclass(kind, Record)):
        named = found.get("__class__", found.get("__exc_type__"))
        raise ValueError(f"A cached result says that it is made of {named!r:.200}. It is not read.")
    return kind.model_validate(found["data"])


_EXECUTED: dict[str, Callable[[ModuleType, Execute], None]] = {
    "torch": _from_the_root,
    "matplotlib": _from_the_root,
    "prefect.settings.sources": _without_files,
    "prefect._internal.versioning": _without_git,
    "prefect.serializers": _json_alone,
}
