"""First-layer filters told: what each way of teaching gave beside weight decay, in numbers, tables and sentences.

Knows scores. Does not train.
"""

from collections.abc import Iterator, Mapping

from daecore.stats import Interval, format_interval, is_claim
from daecore.study import Measured, Table

from .scores import ALIVE, DECAY, GABOR_LIKE, LIVING, NAMES, SIZES, Best, Sheet, Sheets, difference, leads, mean


def figures(sheets: Sheets, best: Best) -> Iterator[tuple[str, Measured]]:
    """The leads over weight decay, ``r2.gaussian.over_weight_decay``; then the means, ``r2.gaussian-1.5``."""
    for family, row in best.denoising.items():
        for score, lead in leads(sheets, best, row).items():
            yield f"{score}.{family}.over_{DECAY}", Measured.of(lead)
    yield from means(sheets)


def means(sheets: Sheets) -> Iterator[tuple[str, Measured]]:
    """The mean of every score by name."""
    units = {**dict.fromkeys(NAMES, ""), **dict.fromkeys(SIZES, "px"), **dict.fromkeys(ALIVE, "")}
    for name, some in sheets.items():
        for score, unit in units.items():
            yield f"{score}.{name}", Measured.of(mean(some, score), unit)


def table(title: str, words: Mapping[str, str], sheets: Sheets) -> Table:
    """A row per way of teaching: means with their intervals, and over how many seeds."""
    head = ("taught by", *NAMES.values(), *SIZES.values(), *ALIVE.values(), "seeds")
    forms = {**dict.fromkeys(NAMES, ".2f"), **dict.fromkeys(SIZES, ".1f"), **dict.fromkeys(ALIVE, ".2f")}
    rows = [
        (
            words[name],
            *(format_interval(mean(some, score), form) for score, form in forms.items()),
            max(1, len(some) - 1),
        )
        for name, some in sheets.items()
    ]
    return Table(title, head, tuple(rows))


def notes(sheets: Sheets, best: Best, floor: Sheet) -> Iterator[str]:
    """What each denoising family gives beside weight decay, and what a fit makes of noise."""
    several = len(sheets[best.ours.name]) > 1
    for row in (best.ours, *(it for it in best.denoising.values() if it is not best.ours)):
        found = leads(sheets, best, row)
        said = "; ".join(
            f"{NAMES[score]} {format_interval(lead, '+.2f')} over {best.rivals[score].words}"
            for score, lead in found.items()
        )
        last = verdict(found) if row is best.ours and several else "One seed: nothing is claimed."
        yield f"{row.words[0].upper()}{row.words[1:]} beside the best weight decay on each score: {said}. {last}"
    r2, selectivity = (float(floor.scores[it].mean()) for it in ("r2", "selectivity"))
    yield (
        f"Filters of random numbers score R^2 {r2:.2f} and selectivity {selectivity:.2f}: this is nothing. A single "
        "bright pixel and a blob have a high R^2, as they are like a very small wave and a very wide one, but no "
        f"orientation; hence a filter counts as Gabor-like only with both above {GABOR_LIKE}. A unit whose weights "
        f"have shrunk to a norm below {LIVING} is dead and scores zero."
    )
    yield (
        "The first seed chose: strengths by their R^2, of weight decay by each score (of equal ones by R^2). "
        f"{len(sheets[best.ours.name]) - 1} other seeds score the denoising with the best fit, and its rivals; their "
        "intervals are Student's over these seeds. All other intervals are over the filters of one training and say "
        "nothing of luck."
        if several
        else "One seed each: these intervals are over filters and say nothing of luck in training."
    )


def verdict(leads: Mapping[str, Interval]) -> str:
    """Which way each score speaks: surely for denoising, surely for weight decay, or neither."""
    groups: dict[str, list[str]] = {"better on": [], "worse on": [], "neither surely better nor worse on": []}
    better, worse, neither = groups.values()
    for score, lead in leads.items():
        (neither if not is_claim(lead) else better if lead.mean > 0 else worse).append(NAMES[score])
    if len(better) == len(leads):
        return "Denoising beats weight decay on every score."
    if len(worse) == len(leads):
        return "Denoising does not beat weight decay: it is worse on every score."
    each = "; ".join(f"{which} {' and '.join(names)}" for which, names in groups.items() if names)
    return f"Denoising does not beat weight decay on every score: it is {each}."


def growth(sheets: Sheets, least: str, most: str) -> str:
    """Whether filters are coarser and wider with more of the picture masked, as a sentence."""
    coarser, wider = (difference(sheets[most], sheets[least], it) for it in ("grain", "support"))
    return (
        "Digits, from no masking to the strongest, one seed: the filters' grain is "
        f"{_way(coarser, 'coarser', 'finer')} ({format_interval(coarser, '+.2f')} pixels), "
        f"and their energy lies on {_way(wider, 'more', 'fewer')} pixels "
        f"({format_interval(wider, '+.1f')}; intervals over filters)."
    )


def _way(change: Interval, up: str, down: str) -> str:
    return (up if change.mean > 0 else down) if change.conclusive else f"neither surely {up} nor {down}"
