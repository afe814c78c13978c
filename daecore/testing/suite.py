"""All checks of an extension, by kind; for a caller who wants findings, and for pytest."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daecore.plugin.extension import Extension, Kind
from daecore.plugin.options import Options
from daecore.plugin.registry import registry
from daecore.testing import architectures, corruptions, datasets, metrics, objectives, options, series
from daecore.testing.contract import Check, Finding, NotChecked, Subject

if TYPE_CHECKING:
    import pytest

_OF_KIND: dict[Kind, Sequence[Check[Any]]] = {
    "corruption": corruptions.CHECKS,
    "dataset": datasets.CHECKS,
    "architecture": architectures.CHECKS,
    "objective": objectives.CHECKS,
    "metric": metrics.CHECKS,
    "series": series.CHECKS,
}
CACHE = Path.home() / ".cache" / "daecore"


def checks(kind: Kind) -> tuple[Check[Any], ...]:
    """Every check that extensions of a kind must pass."""
    return (*(options.CHECKS if kind != "series" else ()), *_OF_KIND[kind])  # a series has no options


def check_extension(extension: Extension, chosen: Options | None = None, *, cache: Path = CACHE) -> tuple[Finding, ...]:
    """Check an extension against the contract; nothing is raised, whatever it does.

    Args:
        extension: What a hook returned.
        chosen: The options to check it with; None takes its defaults.
        cache: Where a dataset may keep its files.
    """
    try:
        subject = Subject(extension, chosen or extension.options(), cache)
    except Exception as error:
        text = " ".join(str(error).split())
        return (
            Finding(
                "every option has a default",
                "failed",
                f"Expected {extension.options.__name__}() to work; it raised {type(error).__name__}: {text}. "
                "Give every option a default.",
            ),
        )
    return tuple(check.find(subject) for check in checks(extension.kind))


def contract(kind: Kind, name: str, *, cache: Path = CACHE, **chosen: Any) -> "pytest.MarkDecorator":
    """A decorator for a test with the argument ``check``: the test runs once per check of the installed extension.

    Args:
        kind: Of the extension.
        name: As it is installed.
        cache: Where a dataset may keep its files.
        **chosen: Options that differ from the defaults.
    """
    import pytest

    extension = registry().find(kind, name).extension
    subject = Subject(extension, extension.options.model_validate(chosen), cache)
    return pytest.mark.parametrize("check", [_test(check, subject) for check in checks(kind)])


def _test(check: Check[Any], subject: Subject[Any]) -> Any:
    import pytest

    def run() -> None:
        try:
            check.function(subject)
        except NotChecked as reason:
            pytest.skip(str(reason))

    call: Callable[[], None] = run
    return pytest.param(call, id=check.fact.replace(" ", "-"))
