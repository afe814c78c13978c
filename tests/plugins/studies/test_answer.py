"""The study `answer`, on the digits that need no download."""

from pathlib import Path

import pytest
import torch
from daecore_flows.store import recipes
from daecore_plugins.studies.lecture import SERIES
from daecore_plugins.studies.lecture.answer import STUDY
from daecore_plugins.studies.lecture.answer import study as answer

from daecore.evaluation.sampling import SamplingMeasure, SamplingReport
from daecore.experiment.experiment import parse, read
from daecore.experiment.feasibility import check
from daecore.model.sampler import Sampler
from daecore.stats.intervals import Interval
from daecore.study import Findings
from daecore.testing import SmallLaboratory


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """What it finds with one epoch on digits of 8 x 8."""
    small = tmp_path_factory.mktemp("answer") / "answer-block-16.yaml"
    small.write_text(
        "dataset: {digits: {}}\ncorruptions: [{block_mask: {size: 4}}]\n"
        "architecture: {unet: {widths: [8, 8], sampler: true}}\nobjective: {flow: {}}\ntransfer: null\n"
    )
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return STUDY.run(SmallLaboratory({**SERIES.recipes(), f"lecture/{small.stem}": small}, small.parent))
    finally:
        torch.set_num_threads(before)


def test_every_recipe_teaches_a_network_that_draws() -> None:
    for name in STUDY.recipes:
        experiment = parse(read(SERIES.recipes()[name]))
        check(experiment)
        assert experiment.objective.extension.draws == (name != "lecture/gap")


def test_the_lecture_s_network_is_that_of_the_recipe_on_the_front_shelf() -> None:
    """One training serves both: their options differ in nothing."""
    ours = parse(read(SERIES.recipes()["lecture/answer-block-16"]))
    shelf = Path(recipes.__file__).parents[1] / "recipes" / "mnist-block-16-flow.yaml"
    assert ours == parse(read(shelf))


def test_exact_draws_stand_beside_the_network_s(found: Findings) -> None:
    """Draws from the exact posterior have twice the squared error of the mean, whatever the network does."""
    exact = found.figures["error_over_own_mean_arc_exact"]
    assert exact.low is not None
    assert exact.high is not None
    assert exact.low < 2 < exact.high
    assert {"error_over_own_mean_arc_network", "coverage_block-16", "restored_db_block-16"} <= found.figures.keys()


def test_realism_is_measured_in_the_quick_form_too(found: Findings) -> None:
    """Half of the few test pictures are kept to compare with."""
    assert {"frechet_block-16", "two_sample_block-16", "label_kept_sample_block-16"} <= found.figures.keys()


def test_the_table_of_each_problem_has_the_rows_of_the_licence(found: Findings) -> None:
    assert [table.head for table in found.tables] == [answer.HEAD] * 3
    assert "8 samples of each of 150" in found.tables[-1].title
    assert found.pictures[0].png.startswith(b"\x89PNG")


def measure(value: float) -> SamplingMeasure:
    """A measure that passes up to 1.2."""
    return SamplingMeasure(
        name=f"measure {value}", value=Interval(mean=value, low=value, high=value, n=3), ideal=1.0, high=1.2
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [((1.0,), "1 measure passed, none failed."), ((1.0, 1.1, 3.0), "2 measures passed; not passed: measure 3.0.")],
)
def test_a_problem_is_told_in_one_sentence(values: tuple[float, ...], said: str) -> None:
    report = SamplingReport(pictures=3, draws=8, measures={str(value): measure(value) for value in values})
    assert answer._note("half", report) == f"Digits, half resolution: {said}"


def test_a_network_that_cannot_draw_is_refused_by_its_laboratory(tmp_path: Path) -> None:
    from daecore.errors import InputError

    lab = SmallLaboratory(SERIES.recipes(), tmp_path)
    with pytest.raises(InputError, match="cannot draw"):
        lab.draw(lab.experiment("lecture/gap"))
    assert not isinstance(lab.train(lab.experiment("lecture/gap")).network, Sampler)
