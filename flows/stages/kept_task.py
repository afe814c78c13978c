"""A task whose result is kept: Prefect finds it again in the store, also where another machine has made it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import Task
from prefect.filesystems import LocalFileSystem

from daecore.addresses import hide_passwords
from daecore.plugin.spec import digest

from ..store.store import current_store

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


class KeptTask(Task[Asked, Result]):
    """A Prefect task that is asked by one request, and whose result is kept under the request's key.

    It is called by `with_options`: so Prefect learns where results lie.
    """

    def __init__(self, function: Callable[Asked, Result], **named: Any) -> None:
        super().__init__(
            fn=_hiding_passwords(function), cache_key_fn=_key, persist_result=True, result_serializer="json", **named
        )

    def with_options(self, *values: Any, **named: Any) -> Task[Asked, Result]:
        """The same task with other options, for one call."""
        task = super().with_options(*values, **named)
        store = current_store()
        if store.shared is not None:
            task.result_storage = SharedResults(basepath=str(store.cached_results))
        return task


class SharedResults(LocalFileSystem):
    """The results of a shared store, as Prefect reads and writes them: the others' are brought here, ours are given."""

    _block_type_name = "Results of a shared store"

    def read_path(self, path: str, _sync: bool = True) -> Any:
        """The content of a result."""
        current_store().files.bring(self._resolve_path(path))
        return super().read_path(path, _sync=True)  # type: ignore[call-arg]

    def write_path(self, path: str, content: bytes, _sync: bool = True) -> Any:
        """Keep a result."""
        written = super().write_path(path, content, _sync=True)  # type: ignore[call-arg]
        current_store().files.give(self._resolve_path(path))
        return written


def _hiding_passwords(function: Callable[Asked, Result]) -> Callable[Asked, Result]:
    """The same, whose errors may be kept: Prefect writes them into states, logs and results."""

    @wraps(function)
    def hiding(*values: Asked.args, **named: Asked.kwargs) -> Result:
        try:
            return function(*values, **named)
        except Exception as error:
            hide_passwords(error)
            raise

    return hiding


def _key(context: Any, parameters: dict[str, Any]) -> str:
    return digest(parameters["request"].key)
