"""`dusk` keeps daecore's contract."""

from collections.abc import Callable

from daecore.testing import contract


@contract("series", "dusk")
def test_dusk_keeps_the_contract(check: Callable[[], None]) -> None:
    check()
