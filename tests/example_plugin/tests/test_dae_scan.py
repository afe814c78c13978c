"""`scan` keeps daecore's contract."""

from collections.abc import Callable

from daecore.testing import contract


@contract("corruption", "scan")
def test_scan_keeps_the_contract(check: Callable[[], None]) -> None:
    check()
