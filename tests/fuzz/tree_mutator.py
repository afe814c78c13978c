"""Tree mutator: JSON and YAML whose values somebody has changed, by Hypothesis: other types, depths, names, numbers."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st

from daecore.experiment import yaml_text

WORDS = ("", "nan", "inf", "1e3", "1e999", "yes", "on", "0x10", "1:30", "2001-01-01", "9" * 400, "\ud800", "\0",
    "\x1b[2J",
         "../../etc/passwd", "a" * 10_000, "٣", "ß", "\u202e", "!!python/object:os.system", "models:/x@y",
         "__class__")  # fmt: skip
DEEP = 30  # levels around a value; a few hundred for one in eight
STRANGE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**63, 2**64, -(2**63), 10**30, 10**400]),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=8),
    st.lists(st.integers() | st.none() | st.text(max_size=3), max_size=4),
    st.dictionaries(st.text(max_size=4), st.integers() | st.none() | st.text(max_size=3), max_size=3),
)


@st.composite
def changed(draw: st.DrawFn, trees: list[Any]) -> bytes:
    """The text of one of these trees, changed in up to four places."""
    tree = {"": deepcopy(draw(st.sampled_from(trees)))}  # so that the root can be replaced, too
    for _ in range(draw(st.integers(1, 4))):
        _change(draw, tree)
    return _written(draw, tree.get(""))


def run_trees(trees: list[Any], count: int, number: int, attempt: Callable[[bytes], object]) -> None:
    """Hand out so many changed trees; the number says which."""

    @seed(number)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate], verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(changed(trees))
    def hand_out(content: bytes) -> None:
        attempt(content)

    hand_out()


def _change(draw: st.DrawFn, tree: Any) -> None:
    """One change, in place."""
    at, key = tree, next(iter(tree), None)
    while key is not None and isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 4)):
        at = at[key]
        key = draw(st.sampled_from(list(at) if isinstance(at, dict) else range(len(at))))
    if key is None:
        return
    what = draw(st.integers(0, 9))
    if what < 6:
        at[key] = draw(STRANGE)
    elif what == 6:
        del at[key]
    elif what == 7:
        at[key] = _wrapped(at[key], draw(st.sampled_from([1, 2, DEEP, 400])), draw(st.booleans()))
    elif isinstance(at, dict):
        at[draw(st.sampled_from(WORDS) | st.text(max_size=6))] = at[key]
    else:
        at += [deepcopy(at[key])] * draw(st.sampled_from([1, 10, 300]))


def _wrapped(value: Any, levels: int, in_lists: bool) -> Any:
    for _ in range(levels):
        value = [value] if in_lists else {"a": value}
    return value


def _written(draw: st.DrawFn, tree: Any) -> bytes:
    """As JSON, in ASCII or not, or as YAML, which not all values can be."""
    form = draw(st.integers(0, 2))
    try:
        text = yaml_text.dump(tree) if form == 0 else json.dumps(tree, ensure_ascii=form == 1)
    except Exception:  # no YAML for it: the texts that come are what is tried here, not the writer
        text = json.dumps(tree)
    return text.encode(errors="surrogatepass")
