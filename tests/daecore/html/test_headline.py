"""The headline says both distances, and calls a success only what beats the best baseline for certain."""

from typing import Any

import pytest

from daecore.evaluation.classical import METHODS
from daecore.evaluation.denoising import DenoisingReport
from daecore.html import glossary
from daecore.html.headline import headline, pretraining
from daecore.html.report import page
from daecore.stats.intervals import Interval
from daecore.transfer.scores import Score, TransferReport, summarise
from daecore.transfer.transfer import NAMES

LINEAR = {"name": "linear", "db": 14.0, "mse": 0.04, "strength": 0.01, "images": 300}


def interval(mean: float, half: float = 0.5, n: int = 300) -> Interval:
    return Interval(mean=mean, low=mean - half, high=mean + half, n=n)


def evaluated(gain: float, **others: Any) -> DenoisingReport:
    known = {
        "unit": "dB", "images": 300, "corrupted_db": 9.5, "restored_db": 14 + gain, "pooled_db": 13.0, "ssim": 0.7,
        "mse": 0.03, "corrupted_mse": 0.1, "best_baseline": LINEAR, "baselines": {"linear": LINEAR},
        "gain_db": interval(gain), "gain_over_corrupted_db": interval(4.5 + gain),
    }  # fmt: skip
    return DenoisingReport.model_validate(known | others)


def transferred(ours: float, control: float, draws: int = 6) -> TransferReport:
    found = [("scratch", control), ("finetune", ours)]
    return summarise(
        [
            Score(initialisation=name, encoder="e", method="finetune", labels=1000, draw=draw, choice=0.1,
                  error_percent=error + 0.1 * (-1) ** draw * (name == "scratch"))
            for name, error in found for draw in range(draws)
        ]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("gain", "verdict", "text"),
    [
        (2.0, "above", "Restored to 16.00 dB: 6.50 [6.00, 7.00] dB above the corrupted picture and 2.00 [1.50, 2.50] "
         "dB above the best baseline, linear."),
        (-1.0, "below", "Restored to 13.00 dB: 3.50 [3.00, 4.00] dB above the corrupted picture, but 1.00 [0.50, 1.50] "
         "dB below the best baseline, linear."),
        (0.1, "open", "Restored to 14.10 dB: 4.60 [4.10, 5.10] dB above the corrupted picture and +0.10 [-0.40, +0.60] "
         "dB from the best baseline, linear."),
    ],
)  # fmt: skip
def test_both_distances_are_said_and_a_loss_is_called_one(gain: float, verdict: str, text: str) -> None:
    said = headline(evaluated(gain))
    assert (said.verdict, said.text) == (verdict, text)
    assert ("Better than every" in said.remark) == (verdict == "above")


def test_no_success_is_claimed_from_a_handful_of_samples() -> None:
    """Of one sample an interval has no width, and zero always lies outside."""
    alone = Interval(mean=0.7, low=0.7, high=0.7, n=1)
    said = headline(evaluated(0.7, gain_db=alone, images=1))
    assert said.verdict == "open"
    assert said.remark.startswith("No difference from the best baseline is claimed: 1 values are too few.")
    unknown = headline(evaluated(0.7, gain_db=None))
    assert unknown.remark == "The distance from the best baseline is not known."


def test_points_are_told_by_squared_error_and_more_gain_is_less_error() -> None:
    points = evaluated(
        0, unit="squared error", mse=0.01, gain_db=None, gain_over_corrupted_db=None, gain_mse=interval(0.03, 0.01),
        gain_over_corrupted_mse=interval(0.09, 0.01),
    )  # fmt: skip
    assert headline(points).text == (
        "Squared error 0.01000: 0.09000 [0.08000, 0.10000] less than the corrupted points and "
        "0.03000 [0.02000, 0.04000] less than the best baseline, linear."
    )


def test_a_report_of_an_earlier_version_still_has_a_headline() -> None:
    """It knows only the distance from the baseline."""
    said = headline(evaluated(2.0, gain_over_corrupted_db=None)).text
    assert said == "Restored to 16.00 dB: 2.00 [1.50, 2.50] dB above the best baseline, linear."


def test_what_pre_training_is_worth_is_paired_and_doubted_where_draws_are_few() -> None:
    (sure,), (doubtful,) = pretraining(transferred(5, 7)), pretraining(transferred(5, 7, draws=3))
    assert sure.startswith(
        "With 1,000 labels, fine-tuned from the denoising encoder 5.00 % errors, from scratch 7.00 %"
    )
    assert sure.endswith("percentage points fewer errors.")
    assert "no difference is claimed" in doubtful
    assert "percentage points more errors" in pretraining(transferred(7, 5))[0]


@pytest.mark.parametrize(("gain", "verdict"), [(2.0, "above"), (0.1, "open"), (-1.0, "below")])
def test_the_page_has_the_colour_of_success_only_for_one(gain: float, verdict: str) -> None:
    html = page("digits", report(evaluated(gain)), {})
    assert f"<p class='headline {verdict}'>" in html
    assert ".above{color:var(--mark)}" in html
    assert ".headline{font-size:1.25rem}" in html  # no colour of its own


def test_the_page_explains_its_words_where_they_stand() -> None:
    """In plain text beside the number, so that neither a mouse nor a link is needed."""
    html = page("digits", report(evaluated(2.0)), {})
    for words in (glossary.DECIBEL, glossary.BASELINE, glossary.INTERVAL, glossary.STRUCTURE, glossary.PAIRED):
        assert words.replace("'", "&#x27;") in html
    assert html.index("PSNR, in dB, says") < html.index("<th>method</th>")
    for name in ("scratch", "finetune"):
        assert f"<td>{name}</td>" in html
        assert glossary.CLASSIFIERS[name] in html
    assert "linear (best baseline)" in html


def test_every_baseline_and_every_classifier_is_explained() -> None:
    assert {*METHODS, "identity", "mean_image", "linear", "local_posterior"} == set(glossary.BASELINES)
    assert set(NAMES) == set(glossary.CLASSIFIERS)


def report(denoising: DenoisingReport) -> dict[str, Any]:
    transfer = transferred(5, 7).model_dump(mode="json")
    training = {
        "epochs": 2, "seconds": 1.0, "images_per_second": 2000.0, "device": "cpu", "precision": "float32", "threads": 1,
        "weights_sha256": "abc",
    }  # fmt: skip
    return {
        "denoising": denoising.model_dump(mode="json"), "transfer": transfer["rows"],
        "differences": transfer["differences"], "training": training, "experiment": {}, "dataset": {"sha256": "d"},
        "mlflow": {"run_id": "m"}, "prefect": {"flow_run_id": "p"}, "reused": [], "plugins": {},
    }  # fmt: skip
