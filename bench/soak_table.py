"""The soak's figures: failures, and what was held at the start and at the end, with what a hundred runs add."""

from collections.abc import Iterable
from itertools import product
from statistics import median

import numpy as np
from soak_log import Event, Log

PARTS = {"row": "in a row", "at once": "at once, new store", "beside": "beside gc and rm", "rm": "rm", "gc": "gc"}
STATES = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PROCESSES = ("dae up", "prefect", "mlflow", "mlflow worker", "runner")
PAGE_SECONDS = 2.0
WARM = 10  # runs before memory counts: what is loaded once is loaded by then
SOME = 5  # samples that the start and the end are the median of


def show(log: Log) -> int:
    """Print the table; 1 where anything is wrong."""
    wrong = sum(_show_part(log, part, name) for part, name in PARTS.items())
    wrong += sum(_show_doctor(log, part) for part in ("row", "at once", "beside", "studio"))
    return 1 if wrong + _show_studio(log) else 0


def _show_part(log: Log, part: str, name: str) -> int:
    events = log.of(part)
    if not events:
        return 0
    failed = [event for event in events if event["status"] or event["locked"]]
    seconds = sorted(event["seconds"] for event in events)
    peak = median(event["peak_kib"] for event in events) / 1024
    print(
        f"{name:<20} {len(events):>5} commands, {len(failed)} failures; {median(seconds):.1f} s (at most "
        f"{seconds[-1]:.1f}); {peak:,.0f} MiB at most each"
    )
    for event in failed:
        print(f"    {event.get('said', '')[-500:]}")
    if part == "row" and len(events) > 2:
        _show_points("seconds", [(0, n, it["seconds"]) for n, it in enumerate(events)])
        _show_points("store, MB", [(0, n, it["bytes"] / 1e6) for n, it in enumerate(events)])
    return len(failed)


def _show_doctor(log: Log, part: str) -> int:
    wrong = [it for it in log.of(f"{part} doctor") if it["status"] or it.get("locked_in_logs")]
    for event in wrong:
        print(f"`dae doctor` after {part}: status {event['status']}: {event.get('said', '')}")
    return len(wrong)


def _show_studio(log: Log) -> int:
    samples = log.of("look")
    if not samples:
        return 0
    states = (log.of("states") or [{}])[-1]
    said = ", ".join(f"{count} {it.lower()}" for it in STATES if (count := states.get(it)))
    print(
        f"{'studio':<20} {samples[-1]['ended']:>5} of {len(log.of('queued'))} queued runs ended: {said or 'under way'}"
    )
    late = sum(_show_page([it["pages"][page] for it in samples], page) for page in samples[-1]["pages"])
    for name, what in product(PROCESSES, ("pss", "handles", "threads")):
        scale, said = (2**20, f"{name} memory, MiB") if what == "pss" else (1, f"{name} {what}")
        _show_holdings(samples, said, [it["processes"].get(name, {}).get(what, 0) / scale for it in samples])
    for name in ("mlflow.db", "prefect.db", "mlflow.db-wal", "prefect.db-wal"):
        _show_holdings(samples, f"{name}, MB", [it["bytes"].get(name, 0) / 1e6 for it in samples])
    return late + sum(states.get(it, 0) for it in STATES[1:])


def _show_page(seconds: list[float], page: str) -> int:
    late = sum(it > PAGE_SECONDS for it in seconds)
    print(
        f"    {page:<14} median {median(seconds):.3f} s, 99 % {np.quantile(seconds, 0.99):.3f} s, at most "
        f"{max(seconds):.3f} s; {late} of {len(seconds)} over {PAGE_SECONDS:.0f} s"
    )
    return late


def _show_holdings(samples: list[Event], name: str, values: list[float]) -> None:
    if any(values):
        points = [(it["segment"], it["ended"], value) for it, value in zip(samples, values, strict=True)]
        _show_points(name, points)


def _show_points(name: str, points: list[tuple[int, int, float]]) -> None:
    """Start and end, after some runs; and what a hundred runs add in the second half, when all has been used once."""
    last = points[-1][1]
    warm = [it for it in points if it[1] >= WARM] or points
    start, end = (median(value for _, _, value in some) for some in (warm[:SOME], warm[-SOME:]))
    added = slope(it for it in points if it[1] >= last / 2)
    print(f"    {name:<24} {start:>9,.1f} -> {end:>9,.1f}   {added:>+8.2f} a hundred runs, in the second half")


def slope(points: Iterable[tuple[int, float, float]]) -> float:
    """What a hundred runs add, by least squares; each segment, between two starts, has a level of its own."""
    by_segment: dict[int, list[tuple[float, float]]] = {}
    for segment, x, y in points:
        by_segment.setdefault(segment, []).append((x, y))
    centred = [np.asarray(it) - np.mean(it, axis=0) for it in by_segment.values()]
    x, y = np.concatenate(centred).T
    return 100 * float(x @ y / (x @ x)) if np.any(x) else 0.0
