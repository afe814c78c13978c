"""What transfer guarantees: equal chances for every initialisation, fair draws, and no claim without an interval."""

from collections import Counter
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from daecore.corruption.corruptor import Corruptor
from daecore.data.label_draws import ALL, CHOICE, draw_labels
from daecore.data.samples import Batch, Samples, Splits, as_float
from daecore.errors import InputError
from daecore.plots.label_efficiency import label_efficiency
from daecore.plugin.spec import spec
from daecore.stats.intervals import student
from daecore.training.checkpoint import tensors_digest
from daecore.training.loss import augmented_classification, classification
from daecore.training.options import TrainingOptions
from daecore.transfer.classifier import Classifier, evaluate
from daecore.transfer.encoder import PretrainedEncoder
from daecore.transfer.finetuning import ValidationCheck, epochs_for, probe_codes, repeat, train_classifier
from daecore.transfer.nearest import nearest_errors
from daecore.transfer.scores import Score, TransferReport, summarise
from daecore.transfer.task import ClassifierOptions, Task
from daecore.transfer.transfer import CELLS, NAMES, TransferOptions, transfer

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
    encoders = dict.fromkeys((cell.encoder for cell in CELLS), encoder)
    return list(transfer(encoders, splits, options, seed=seed, input_shape=SHAPE, precision="float32"))


def score(initialisation: str, draw: int, error: float) -> Score:
    return Score(
        initialisation=initialisation, encoder="any", method="finetune", labels=10, draw=draw, choice=1e-3,
        error_percent=error,
    )  # fmt: skip


def task(splits: Splits = SPLITS, **options: object) -> Task:
    chosen = ClassifierOptions.model_validate({"steps": 60, "learning_rates": [1e-2], **options})
    return Task(splits, chosen, SHAPE, 0, "float32")


def test_every_classifier_is_evaluated_once():
    """A score for each budget, draw and initialisation, in percent, and each learns something (chance is 75 %)."""
    options = TransferOptions(labels=(40, 80), seeds=2, steps=60, learning_rates=(1e-2,))
    found = scores(options)
    assert [(s.labels, s.draw, s.initialisation) for s in found] == [
        (count, draw, name) for count in (40, 80) for draw in (0, 1) for name in NAMES
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


def test_a_smaller_budget_is_part_of_a_larger_one():
    """Within a draw; so a curve over budgets shows what more labels give."""
    label_draws = [set(draw_labels(SPLITS.train, 4, count, seed=0, draw=3).tolist()) for count in (4, 30, 31, 80)]
    assert label_draws[0] < label_draws[1] < label_draws[2] < label_draws[3]


def test_the_whole_training_set_is_a_budget():
    """Written ``all`` or 0: every sample, once, whatever the balance."""
    assert TransferOptions.model_validate({"labels": [40, "all"]}).labels == (40, ALL)
    assert draw_labels(SPLITS.train, 4, ALL, seed=0, draw=0).tolist() == list(range(400))
    assert {s.labels for s in scores(TransferOptions(labels=(ALL,), seeds=1, steps=1))} == {400}


def test_an_experiment_of_earlier_days_with_one_rate_is_read():
    """As a list of one; a misspelt option is still refused with the nearest."""
    options = TransferOptions.model_validate({"learning_rate": 0.01, "probe_learning_rate": 0.02})
    assert (options.learning_rates, options.probe_learning_rates) == ((0.01,), (0.02,))
    with pytest.raises(ValueError, match="no option 'learning_rat'"):
        TransferOptions.model_validate({"learning_rat": 0.01})


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


def test_fine_tuning_trains_all_of_it_and_a_probe_its_layer_alone():
    """And both learn: chance is 75 %."""
    start = PretrainedEncoder(encoder, task())
    tuned, probed = (start.fit(method, 80, 0, (1e-2,), validation_checks=1) for method in ("finetune", "probe"))
    assert isinstance(tuned.model, Classifier)
    assert tensors_digest(tuned.model.encoder.state_dict()) != tensors_digest(encoder().state_dict())
    assert isinstance(probed.model, nn.Linear)
    assert max(tuned.test_error(), probed.test_error()) < 40


def test_the_error_is_counted_over_all_groups():
    """The share of wrong answers over every test image, whichever group it is in."""
    model = Classifier(encoder(), SHAPE, 4)
    answers = torch.cat([model(batch.clean).argmax(1) for group in SPLITS.test for batch in group.batches(64)])
    labels = torch.cat([group.labels for group in SPLITS.test])
    assert evaluate(model, SPLITS.test, "float32") == pytest.approx(100 * (answers != labels).float().mean().item())


def test_standardised_codes_are_centred_with_unit_mean_variance():
    """Of the images they were measured on; where the encoder's codes lie and how large they are does not matter."""
    train = Samples(SPLITS.train.data, SPLITS.train.labels)
    for module in (encoder(), nn.Sequential(encoder(), _Times(100.0)), nn.Sequential(encoder(), nn.Sigmoid())):
        features = Classifier(module, SHAPE, 4).standardise(train).features(as_float(train.data)).detach()
        torch.testing.assert_close(features.mean(0), torch.zeros(16), rtol=0, atol=1e-5)
        assert features.square().mean().item() == pytest.approx(1, rel=1e-5)


def test_standardising_constrains_nothing_that_is_trained_later():
    """Centre and scale stay as they were measured, while the encoder's codes leave them."""
    model = Classifier(encoder(), SHAPE, 4).standardise(SPLITS.train)
    before = model.centre.clone(), model.scale.clone()
    train_classifier(model, SPLITS.train, TRAINING, steps=40, seed=0)
    assert torch.equal(model.centre, before[0])
    assert torch.equal(model.scale, before[1])
    assert model.features(as_float(SPLITS.train.data)).square().mean().item() != pytest.approx(1, rel=1e-2)


def test_a_code_that_never_varies_is_left_at_zero():
    """There is nothing to divide by."""
    model = Classifier(nn.Sequential(nn.Flatten(), _Times(0.0)), SHAPE, 4).standardise(SPLITS.train)
    assert torch.equal(model.features(as_float(SPLITS.train.data)), torch.zeros(400, 36))


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


def test_an_epoch_of_few_labels_is_many_steps():
    """Twenty images are repeated whole, each as often as any other; a set that is large enough stays as it is."""
    few = SPLITS.train.select(torch.arange(20))
    assert torch.equal(repeat(few, 100).data, few.data.repeat(5, 1, 1, 1))
    assert torch.equal(repeat(few, 100).labels, few.labels.repeat(5))
    assert repeat(SPLITS.train, 100) is SPLITS.train
    check = train_classifier(nn.Sequential(nn.Flatten(), nn.Linear(36, 4)), few, TRAINING, steps=200, seed=0)
    assert check == ValidationCheck(epoch=10, epochs=10, error_percent=None)


def test_the_weights_with_the_fewest_validation_errors_are_kept():
    """A rate that destroys what was learnt is caught: what validation saw is what the classifier then reaches."""
    wild = TRAINING.model_copy(update={"learning_rate": 10.0, "schedule": "constant"})
    errors = []
    for validation_checks in (1, 10):
        model = nn.Sequential(encoder(), nn.Linear(16, 4))
        nn.init.zeros_(model[1].weight)
        nn.init.zeros_(model[1].bias)
        check = train_classifier(
            model,
            SPLITS.train,
            wild,
            steps=80,
            seed=0,
            validation=SPLITS.validation,
            validation_checks=validation_checks,
        )
        errors.append(check.error_percent)
        assert evaluate(model, (SPLITS.validation,), "float32") == check.error_percent
        assert 1 <= check.epoch <= check.epochs == 10
    assert errors[1] <= errors[0]


def test_validation_chooses_the_rate():
    """Of a rate that learns nothing and one that learns, whichever is named first; draws that are scored use it."""
    for rates in ((1e-9, 1e-2), (1e-2, 1e-9)):
        chosen = PretrainedEncoder(encoder, task()).fit("finetune", 80, CHOICE, rates, validation_checks=1)
        assert chosen.choice == 1e-2
        options = TransferOptions(
            labels=(80,), seeds=2, steps=60, learning_rates=rates, probe_learning_rates=rates, batch=16
        )
        assert {s.choice for s in scores(options) if s.method != "knn"} == {1e-2}


def test_the_test_set_chooses_nothing():
    """With every test label wrong, the same classifiers are made, with the same options; only their errors change."""

    def wrong(group: Samples) -> Samples:
        return Samples(group.data, (group.labels + 1) % 4)

    other = Splits(SPLITS.train, SPLITS.validation, tuple(map(wrong, SPLITS.test)), classes=4)
    options = {"learning_rates": [1e-3, 1e-2], "validation_checks": 4}
    for method in ("finetune", "probe", "knn"):
        honest, lied = (PretrainedEncoder(encoder, task(it, **options)) for it in (SPLITS, other))
        rates = honest.task.options.rates(method)
        one, two = (it.fit(method, 40, 0, rates, validation_checks=4) for it in (honest, lied))
        assert (one.check, one.choice) == (two.check, two.choice)
        if one.model is not None:
            assert tensors_digest(one.model.state_dict()) == tensors_digest(two.model.state_dict())
        assert one.test_error() < 60 < two.test_error()


def test_nearest_codes_vote_as_scikit_learns_do():
    """For every number of neighbours, ties between classes included."""
    from sklearn.neighbors import KNeighborsClassifier

    generator = torch.Generator().manual_seed(0)
    known, evaluated = (Samples(torch.randn(n, 3, generator=generator), torch.randint(4, (n,), generator=generator))
                     for n in (70, 1203))  # fmt: skip
    counts = (1, 2, 4, 7, 70)
    theirs = [
        100 * (1 - KNeighborsClassifier(k).fit(known.data, known.labels).score(evaluated.data, evaluated.labels))
        for k in counts
    ]
    assert nearest_errors(known, evaluated, 4, counts) == pytest.approx(theirs)
    assert nearest_errors(known, evaluated, 4, (5000,)) == pytest.approx(theirs[-1:])


def test_the_nearest_need_labels():
    with pytest.raises(InputError, match="these codes have none"):
        nearest_errors(Samples(torch.zeros(3, 2)), Samples(torch.zeros(3, 2)), 4, (1,))


def test_an_augmentation_changes_what_is_trained_on_and_nothing_that_is_evaluated():
    """In training the loss is that of the changed pictures, else that of the pictures themselves."""
    turned = Corruptor([spec("corruption", {"affine": {"rotation": 90}})])
    loss, model = augmented_classification(turned), nn.Sequential(nn.Flatten(), nn.Linear(36, 4))
    batch = SPLITS.train.batch(torch.arange(30))

    def generator() -> torch.Generator:
        return torch.Generator().manual_seed(1)

    changed = Batch(turned(batch.clean, generator()).x, batch.labels, batch.index)
    assert torch.equal(loss(model.train(), batch, generator()), classification(model, changed, generator()))
    assert torch.equal(loss(model.eval(), batch, generator()), classification(model, batch, generator()))
    assert augmented_classification(Corruptor()) is classification


def test_every_method_but_the_vote_trains_on_augmented_pictures():
    """Fine-tuning and the probe become other classifiers; the votes of the nearest stay."""
    augment = {"augment": [{"affine": {"rotation": 90}}]}
    plain, turned = (PretrainedEncoder(encoder, task(**more)) for more in ({}, augment))
    for method, same in (("finetune", False), ("probe", False), ("knn", True)):
        one, two = (it.fit(method, 40, 0, (1e-2,), validation_checks=1) for it in (plain, turned))
        assert (one.check == two.check and one.test_error() == two.test_error()) == same


@pytest.mark.parametrize(("count", "epochs"), [(100, 400), (1000, 40), (950, 40), (20, 400)])
def test_steps_become_whole_epochs(count, epochs):
    assert epochs_for(400, 100, count) == epochs


def test_rows_hold_student_intervals():
    """Mean and interval over the draws, in the order in which cells came."""
    report = summarise(
        [score(name, draw, e + draw) for name, e in (("scratch", 5), ("finetune", 3)) for draw in (0, 1, 2)]
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


def test_rows_of_the_report_carry_over_to_its_picture():
    """A series of points for each cell, as long as it has budgets; errors are logarithmic."""
    found = [
        score(name, draw, error * (100 / labels) ** 0.5 + draw).model_copy(update={"labels": labels})
        for name, error in (("scratch", 12), ("finetune", 8))
        for labels in (10, 100, 55_000)
        for draw in (0, 1)
    ]
    (axis,) = label_efficiency(summarise(found)).axes
    series = {bars.get_label(): len(bars[0].get_xdata()) for bars in axis.containers}
    assert series == {"scratch": 3, "finetune": 3}
    assert axis.get_yscale() == "log"
