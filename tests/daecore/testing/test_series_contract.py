"""What the contract finds in series, and the small laboratory it runs them in."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from daecore.data.label_draws import ALL
from daecore.errors import InputError
from daecore.plugin.options import Options
from daecore.plugin.registry import find_series
from daecore.study import Findings, Laboratory, Measured, Picture, Study, Table, fine_tuning
from daecore.testing import SmallLaboratory, Subject, Violation, check_extension, check_findings, checks

PICTURE = Picture("one", "What one sees.", b"\x89PNG\r\n\x1a\n...")
WHOLE = Findings({"gain_db": Measured(value=1.0)}, (PICTURE,), (Table("T", ("a",), (("1",),)),), ("It gains one dB.",))
STUDY = Study("one", "One", "It asks.", (), lambda lab: WHOLE)
DIGITS = """
dataset: {digits: {}}
corruptions: [{erasure: {p: 0.5}}]
architecture: {dense: {code: 8}}
training: {epochs: 30, batch: 128}
"""


@pytest.fixture
def lab(tmp_path: Path) -> SmallLaboratory:
    for name, text in {
        "digits": DIGITS,
        "stack": DIGITS.replace("dense: {code: 8}", "stacked: {widths: [30, 8]}"),
    }.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return SmallLaboratory({f"dusk/{name}": tmp_path / f"{name}.yaml" for name in ("digits", "stack")}, tmp_path)


def test_it_keeps_the_protocol_that_studies_are_given(lab: SmallLaboratory) -> None:
    """To mypy, too: a study that takes a `Laboratory` takes it."""
    given: Laboratory = lab
    experiment = given.experiment("dusk/digits", "seed=3")
    assert (experiment.seed, experiment.training.epochs, given.quick) == (3, 1, True)
    evaluated = given.evaluate(experiment)
    assert evaluated.trained.input_shape == (1, 8, 8)
    assert len(evaluated.scores["psnr_db"]) == len(given.splits(experiment).test[0])
    assert given.used == {"run dusk/digits": experiment}
    assert next(given.train_all([experiment])) is evaluated.trained


def test_a_stack_is_the_network_of_its_layers(lab: SmallLaboratory) -> None:
    experiment = lab.experiment("dusk/stack")
    stack = lab.stack(experiment)
    x = torch.rand(2, 1, 8, 8)
    with torch.inference_mode():
        codes = stack.layers[1].network.encoder(stack.layers[0].network.encoder(x))
        assert torch.equal(stack.whole.network.encoder(x), codes)


def test_classifiers_leave_the_network_they_come_from_as_it_was(lab: SmallLaboratory) -> None:
    experiment = lab.experiment("dusk/digits")
    trained, options = lab.train(experiment), fine_tuning(experiment)
    before = [p.clone() for p in trained.network.parameters()]
    chosen = lab.choose(experiment, trained, "finetune", options, labels=100)
    assert len(chosen.learning_rates) == 1
    for model in (trained, None):
        found = lab.classify(experiment, model, "finetune", chosen, labels=ALL, draw=0)
        assert 0 <= found.error_percent <= 100
    assert all(torch.equal(a, b) for a, b in zip(before, trained.network.parameters(), strict=True))
    assert 0 < lab.evaluate_svm(experiment).error_percent < 20


def test_a_recipe_that_the_series_does_not_bring_is_refused(lab: SmallLaboratory) -> None:
    with pytest.raises(InputError, match=r"brings no recipe 'dusk/digit'. Did you mean 'dusk/digits'"):
        lab.experiment("dusk/digit")


def test_whole_findings_pass() -> None:
    check_findings(STUDY, WHOLE)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (replace(WHOLE, figures={}), "there is no figure"),
        (replace(WHOLE, figures={"x": Measured(value=math.nan)}), "the figure x is not finite"),
        (replace(WHOLE, figures={"x": Measured(value=1, low=-math.inf, high=2)}), "the figure x is not finite"),
        (replace(WHOLE, figures={"x": 1.0}), "the figure x is no Measured"),
        (replace(WHOLE, pictures=(replace(PICTURE, png=b"GIF89a"),)), "the picture 'one' is no PNG file"),
        (replace(WHOLE, pictures=(replace(PICTURE, caption=" "),)), "the picture 'one' has no caption"),
        (replace(WHOLE, pictures=(PICTURE, PICTURE)), "two pictures have one name"),
        (replace(WHOLE, tables=(Table("T", ("a", "b"), (("1",),)),)), "the table 'T' has not a cell in each row"),
        (replace(WHOLE, notes=("too short",)), "the note 'too short' is no sentence"),
        (None, "it gave NoneType"),
    ],
)
def test_findings_that_cannot_be_shown_are_a_violation(found: object, said: str) -> None:
    with pytest.raises(Violation, match=said):
        check_findings(STUDY, found)


@pytest.mark.parametrize("name", ["features", "lecture", "vincent"])
def test_the_studies_and_recipes_of_ours_keep_the_contract(name: str, tmp_path: Path) -> None:
    """All but what takes a minute: to run them."""
    found = [check.find(Subject(find_series(name), Options(), tmp_path)) for check in checks("series")[:2]]
    assert {finding.state for finding in found} == {"passed"}


@pytest.mark.long
@pytest.mark.parametrize("name", ["lecture", "vincent"])
def test_ours_run_in_it(name: str, tmp_path: Path) -> None:
    """What needs no download; the others are not run by the contract."""
    found = check_extension(find_series(name), cache=tmp_path)
    assert {finding.state for finding in found} == {"passed"}
    assert "a download" in found[-1].said
