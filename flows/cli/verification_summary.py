"""The end of `dae verify`: a verdict for each group of things, what is not bit-equal, and why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from ..verify.comparison import DECIBEL
from ..verify.history import how
from ..verify.record import Verification

if TYPE_CHECKING:
    from ..verify.record import Compared

SHOWN = 12  # things that are not bit-equal
STYLES = {"bit-equal": "bold green", "equal within tolerance": "bold", "different": "bold red"}


def print_verification(found: Verification) -> None:
    """Print a verification for people."""
    console = Console()
    _print(console, f"The run {found.run_id[:12]} ({found.name}), {_how(found)}")
    console.print(_table(found.compared))
    unequal = [one for one in found.compared if one.verdict != "bit-equal"]
    for one in unequal[:SHOWN]:
        _print(console, f"  {_format(one)}")
    if len(unequal) > SHOWN:
        _print(console, f"  and {len(unequal) - SHOWN} more, which --json FILE writes")
    _print(console, _verdict(found), style=STYLES[found.verdict])
    for heading, sentences in _paragraphs(found):
        _print(console, heading)
        for sentence in sentences:
            _print(console, f"  {sentence}")


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True, style=style)


def _how(found: Verification) -> str:
    """How it was computed now: by the stages whose device and threads change the result."""
    stages = [name for name, it in found.computed.items() if "precision" in it]
    now, then = ([*dict.fromkeys(_way(it[name]) for name in stages)] for it in (found.computed, found.computed_then))
    on = f" on {' and '.join(now)}" if now else ""
    return f"{how(found)}{on}{', as it was computed' if now and now == then else ''}"


def _way(computed: "Mapping[str, str]") -> str:
    """Device, precision and threads."""
    threads = computed.get("threads", "?")
    return f"{computed.get('device', '?')}, {computed.get('precision', '?')}, {threads} thread{'s' * (threads != '1')}"


def _table(compared: "Sequence[Compared]") -> Table:
    """A row for each group of things, as their names begin."""
    table = Table("", "verdict", "things", "largest difference")
    groups: dict[str, list[Compared]] = {}
    for one in compared:
        groups.setdefault(one.name.partition(".")[0], []).append(one)
    for name, group in groups.items():
        verdicts = {it: sum(one.verdict == it for one in group) for it in STYLES}
        worst = [it for it in STYLES if verdicts[it]][-1]
        said = f"{verdicts[worst]} of {len(group)}" if verdicts[worst] < len(group) else str(len(group))
        largest = max((one.difference for one in group if one.difference is not None), default=0.0)
        table.add_row(name, worst, said, f"{largest:.2g}" if largest else "", style=STYLES[worst].replace("bold ", ""))
    return table


def _format(one: "Compared") -> str:
    """A thing that is not bit-equal: what the run keeps, what came out, by how much they differ."""
    values = [_shown(one.kept), _shown(one.now)]
    beside = f"{values[0]} then, {values[1]} now" if one.kept is not None or one.now is not None else ""
    apart = f"off by {one.difference:.2g}" if one.difference else ""
    return f"{one.name}: {', '.join(filter(None, [beside, apart, one.remark, one.verdict]))}"


def _shown(value: float | str | None) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    return "-" if value is None else value[:12]


def _verdict(found: Verification) -> str:
    near = f"{found.tolerance:.2g} of its value, dB to {DECIBEL * found.tolerance:.2g}"
    within = f": each number to {near}" if found.verdict == "equal within tolerance" else ""
    return f"{found.verdict[:1].upper()}{found.verdict[1:]}{within}."


def _paragraphs(found: Verification) -> Iterator[tuple[str, Sequence[str]]]:
    if found.why:
        equal = found.verdict == "bit-equal"
        yield ("Differs, and has changed nothing:" if equal else "Why, as far as the run says:"), found.why
    if found.left_out:
        yield "Not verified:", found.left_out
    if found.remarks:
        yield "Beside:", found.remarks
