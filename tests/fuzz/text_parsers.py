"""Parsers of texts: experiments, `--set`, `--space`, citations."""

from pathlib import Path

from daecore_flows.store import recipes
from daecore_flows.sweep.search_space import change as varied
from daecore_flows.sweep.search_space import grid, parse_space
from fuzzed import Parser, given, of_file

from daecore.experiment import yaml_text
from daecore.experiment.experiment import Experiment, override, parse
from daecore.experiment.feasibility import check
from daecore.plugin.bibtex import entries

YAML = (b"{", b"}", b"[", b"]", b": ", b"- ", b"\n", b"&a ", b"*a", b"<<: *a", b"!!binary ", b"!!set ",
    b"!!timestamp ", b"!!python/none ",
        b"---\n", b"...\n", b"%YAML 1.1\n", b"? ", b"|\n", b">-\n", b"#", b"'", b'"', b"\t", b"null", b"~", b".nan",
        b".inf", b"0o17", b"1e3",
        b"2001-12-14t21:59:43.10-05:00", b"dataset", b"corruptions", b"architecture", b"objective", b"training",
        b"transfer", b"error_bars", b"erasure", b"dense", b"unet", b"stacked", b"widths", b"code", b"mixture",
        b"epochs",
        b"labels", b"learning_rate", b"low", b"high", b"step", b"log")  # fmt: skip
BOMB = b"a: &a [1, 1]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (n + 1, n + 1, n, n) for n in range(97, 117))
BASE = "digits-erasure"


def _run(path: Path) -> Experiment:
    """As `dae run FILE` reads it, up to the network, which it builds without values."""
    experiment = parse(recipes.mapping(str(path), []))
    check(experiment)
    _require_round_trip(experiment)
    return experiment


def _require_round_trip(experiment: Experiment) -> None:
    again = parse(yaml_text.load(experiment.dump(), "what was written"))
    assert again.digest == experiment.digest, "what is written is read as another experiment"


def _base() -> Experiment:
    return parse(recipes.mapping(BASE, []))


def _set(content: bytes, room: Path) -> Experiment:
    """As a command line gives it: bytes that are no UTF-8 come as surrogates."""
    changed = parse(override(_base().model_dump(mode="json"), [content.decode(errors="surrogateescape")]))
    _require_round_trip(changed)
    return changed


def _space(content: bytes, room: Path) -> object:
    base = _base()
    space = parse_space(content.decode(errors="surrogateescape").split("\n"), base)
    return [parse(varied(base, point)) for point in grid(space)[:3]]


def _recipes(room: Path) -> list[bytes]:
    names = ("digits-erasure", "mnist-erasure", "stacked/digits")
    known = recipes.packaged_recipes()
    texts = [known[name].read_bytes() for name in names if name in known]
    return [*texts, *(parse(recipes.mapping(name, [])).dump().encode() for name in names if name in known), BOMB]


def _cite(content: bytes, room: Path) -> object:
    return entries(content.decode(errors="replace"))


PARSERS = (
    Parser("experiment", of_file(_run, "experiment.yaml"), _recipes, YAML, tree=True),
    Parser("set", _set, given(
        b"training.epochs=3", b"corruptions={erasure: {p: 0.5}}", b"architecture.dense.widths=[64, 32]",
        b"dataset=digits", b"transfer=", b"training.learning_rate=1e-3", b"corruptions.0.erasure.p=0.25",
        b"architecture={unet: {widths: [8, 16]}}", b"objective=l1", b"seed=7",
    ), (*YAML, b"=", b".", b"training.", b"architecture.", b"corruptions.0.")),
    Parser("space", _space, given(
        b"training.epochs=[1, 2]", b"training.learning_rate={low: 1.0e-4, high: 1.0e-2, log: true}",
        b"corruptions.0.erasure.p={low: 0.1, high: 0.9, step: 0.1}\nseed=[1, 2, 3]", b"architecture=[dense, conv]",
    ), (*YAML, b"=", b".", b"low: ", b"high: ", b"step: ", b"1e-400", b"1e308")),
    Parser("bibtex", _cite, given(
        b"@article{a1, author = {A. B. and {C}}, title = {The {N}oise}, year = 2001}",
        b"@book{b, author=\"X\", title={Y}, year={9}, note = {in {n{e}s}}}\n\n@misc{c, author={}, title={}, year={}}",
    ), (b"@", b"{", b"}", b"=", b",", b'"', b"author", b"title", b"year", b"@string{")),
)  # fmt: skip
