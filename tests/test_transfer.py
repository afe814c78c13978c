"""What transfer guarantees: equal chances for every initialisation, fair draws, and no claim without an interval."""

import copy
from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from daecore.checkpoint import tensors_digest
from daecore.classifier import Classifier, epochs_for, judge, probe_codes, train_all, train_layer
from daecore.errors import InputError
from daecore.intervals import student
from daecore.samples import Samples, Splits
from daecore.training import TrainingOptions
from daecore.transfer import INITIALISATIONS, Score, TransferOptions, TransferReport, draw_labels, summarise, transfer

SHAPE = (1, 6, 6)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Nets this small gain nothing from threads, and lose much on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def quadrants(count: int, seed: int) -> Samples:
    """Four classes: which quadrant of a noisy picture is bright."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (count,), generator=generator)
    images = torch.randint(0, 120, (count, *SHAPE), dtype=torch.uint8, generator=generator)
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = 3 * (label // 2), 3 * (label % 2)
        image[:, row : row + 3, column : column + 3] += 60
    return Samples(images, labels)


SPLITS = Splits(quadrants(400, 0), quadrants(40, 1), (quadrants(100, 2), quadrants(100, 3)), classes=4)
TRAINING = TrainingOptions(epochs=20, batch=50, learning_rate=1e-2, precision="float32")


def encoder() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(36, 16), nn.ReLU())


def scores(options: TransferOptions, splits: Splits = SPLITS, seed: int = 0) -> list[Score]:
    encoders = dict.fromkeys(INITIALISATIONS, encoder)
    return list(transfer(encoders, splits, options, seed=seed, input_shape=SHAPE, precision="float32"))


def score(initialisation: str, draw: int, error: float) -> Score:
    return Score.model_validate({"initialisation": initialisation, "labels": 10, "draw": draw, "error_percent": error})


def test_every_classifier_is_judged_once():
    """A score for each budget, draw and initialisation, in percent, and each learns something (chance is 75 %)."""
    options = TransferOptions(labels=(40, 80), seeds=2, steps=60, learning_rate=1e-2)
    found = scores(options)
    assert [(s.labels, s.draw, s.initialisation) for s in found] == [
        (count, draw, name) for count in (40, 80) for draw in (0, 1) for name in INITIALISATIONS
    ]
    assert all(0 <= s.error_percent < 50 for s in found)


def test_equal_encoders_get_equal_scores():
    """Draws, first weights and batch order depend on nothing but the seed: only the encoder makes a difference."""
    found = scores(TransferOptions(labels=(20,), seeds=1, steps=10))
    errors = {s.initialisation: s.error_percent for s in found}
    assert errors["scratch"] == errors["autoencoder"] == errors["finetune"]
    assert errors["random"] == errors["probe"]
    assert found == scores(TransferOptions(labels=(20,), seeds=1, steps=10))


def test_without_labels_the_report_is_empty():
    assert scores(TransferOptions(), Splits(SPLITS.train, SPLITS.validation, SPLITS.test, classes=None)) == []
    assert summarise([]) == TransferReport()


@pytest.mark.parametrize("count", [4, 30, 80])
def test_a_draw_is_balanced_and_has_no_sample_twice(count):
    """The classes' shares differ by at most one."""
    positions = draw_labels(SPLITS.train, 4, count, seed=0, draw=0)
    shares = Counter(SPLITS.train.labels[positions].tolist())
    assert len(set(positions.tolist())) == count
    assert max(shares.values()) - min(shares.get(number, 0) for number in range(4)) <= 1


def test_another_draw_has_other_samples():
    """And the same one has the same, in every process."""
    first, again, other = (draw_labels(SPLITS.train, 4, 40, seed=0, draw=draw) for draw in (0, 0, 1))
    assert torch.equal(first, again)
    assert set(first.tolist()) != set(other.tolist())


def test_samples_without_labels_are_refused():
    with pytest.raises(InputError, match="these samples have none"):
        draw_labels(Samples(SPLITS.train.data), 4, 8, seed=0, draw=0)


def test_more_labels_than_there_are_are_refused():
    """A smaller budget than the report would say is no budget."""
    with pytest.raises(InputError, match=r"100000 labels need 25000 of class \d, but there are \d+"):
        draw_labels(SPLITS.train, 4, 100_000, seed=0, draw=0)


def test_a_frozen_encoder_stays_as_it_was():
    """The probe trains its linear layer alone; fine-tuning trains all."""
    for train, same in ((train_layer, True), (train_all, False)):
        model = Classifier(encoder(), SHAPE, 4)
        before = copy.deepcopy(model)
        train(model, SPLITS.train, TRAINING, seed=0)
        assert (tensors_digest(model.encoder.state_dict()) == tensors_digest(before.encoder.state_dict())) == same
        assert not torch.equal(model.layer.weight, before.layer.weight)
        assert judge(model, SPLITS.test, "float32") < 30


def test_the_error_is_counted_over_all_groups():
    """The share of wrong answers over every test image, whichever group it is in."""
    model = Classifier(encoder(), SHAPE, 4)
    answers = torch.cat([model(batch.clean).argmax(1) for group in SPLITS.test for batch in group.batches(64)])
    labels = torch.cat([group.labels for group in SPLITS.test])
    assert judge(model, SPLITS.test, "float32") == pytest.approx(100 * (answers != labels).float().mean().item())


def test_the_scale_of_the_code_does_not_matter():
    """A code a hundred times as large is the same feature: one learning rate serves every encoder."""
    torch.manual_seed(0)
    small = encoder()
    large = nn.Sequential(copy.deepcopy(small), _Times(100.0))
    x = torch.rand(5, *SHAPE)
    found = [Classifier(module, SHAPE, 4).features(x) for module in (small, large)]
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-3)


def test_a_smaller_encoder_sees_the_averaged_picture():
    """An encoder for 3x3 pictures gets each 2x2 area's mean of a clean 6x6 one."""
    model = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(9, 7)), (1, 3, 3), 4)
    x = torch.rand(5, *SHAPE)
    averaged = x.view(5, 1, 3, 2, 3, 2).mean((3, 5))
    torch.testing.assert_close(model(x), model(averaged))


def test_a_code_of_two_numbers_can_be_probed():
    """Four corners of the plane, far from the origin and tiny: a linear layer tells them apart, with no error."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(4, (400,), generator=generator)
    corners = torch.stack((labels // 2, labels % 2), 1).float() + 0.05 * torch.randn(400, 2, generator=generator)
    codes = Samples(1000 + 0.01 * corners, labels)
    before = torch.get_rng_state()
    assert probe_codes(codes, codes, 4, TRAINING, seed=0) == 0
    assert torch.equal(torch.get_rng_state(), before)


def test_a_code_without_information_is_probed_at_chance():
    """The same code for every sample: three of four labels are wrong."""
    labels = torch.arange(400) % 4
    nothing = Samples(torch.ones(400, 2), labels)
    assert probe_codes(nothing, nothing, 4, TRAINING, seed=0) == 75


def test_statistics_of_the_batch_are_left_alone_by_building():
    """Finding the code's width does not touch a batch normalisation."""
    norm = nn.BatchNorm2d(1)
    Classifier(nn.Sequential(norm, nn.Flatten()), SHAPE, 4)
    assert norm.num_batches_tracked == 0


@pytest.mark.parametrize(("count", "epochs"), [(100, 400), (1000, 40), (950, 40), (20, 400)])
def test_steps_become_whole_epochs(count, epochs):
    assert epochs_for(400, 100, count) == epochs


def test_rows_hold_student_intervals():
    """Mean and interval over the draws, in the order of the initialisations."""
    report = summarise(
        [score(name, draw, e + draw) for name, e in (("finetune", 3), ("scratch", 5)) for draw in (0, 1, 2)]
    )
    assert [row.initialisation for row in report.rows] == ["scratch", "finetune"]
    assert report.rows[0].error_percent == student([5.0, 6.0, 7.0])
    assert report.rows[0].n == 3


def test_differences_are_paired_by_draw():
    """A constant gain over draws that differ much is certain, and points the right way."""
    luck = (0, 20, 7)
    report = summarise(
        [score("scratch", d, 30 + luck[d]) for d in range(3)] + [score("finetune", d, 28 + luck[d]) for d in range(3)]
    )
    (difference,) = report.differences
    assert difference.control == "scratch"
    assert difference.gain_percent.low == pytest.approx(2)
    assert difference.gain_percent.conclusive


def test_one_draw_claims_nothing():
    """A single draw has no interval: the row says n = 1, and there is no difference."""
    report = summarise([score("scratch", 0, 30), score("finetune", 0, 10)])
    assert report.rows[0].error_percent.model_dump() == {"mean": 30, "low": 30, "high": 30, "n": 1}
    assert report.differences == ()


def test_a_report_survives_json():
    report = summarise([score("scratch", d, 30 + d) for d in range(3)] + [score("finetune", d, 10) for d in range(3)])
    assert TransferReport.model_validate_json(report.model_dump_json()) == report


class _Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.factor
