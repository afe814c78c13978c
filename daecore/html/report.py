"""The report as one HTML file: pictures embedded, works offline, light and dark, readable on a phone.

Every word that is not everyday language is explained where it stands. Knows the report's JSON and PNG bytes. Does not
compute.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from daecore.evaluation.denoising import DenoisingReport
from daecore.evaluation.further_metrics import MetricScore
from daecore.evaluation.sampling import SamplingReport
from daecore.html import glossary
from daecore.html.error_bars import error_bars_section
from daecore.html.headline import Headline, headline, pretraining
from daecore.html.licence import licence_section
from daecore.html.markup import Row, document, escape, figure, note, table
from daecore.stats.claims import format_interval
from daecore.stats.intervals import Interval
from daecore.transfer.scores import TransferReport
from daecore.uncertainty.report import ErrorBarsReport

FINE = ".4f"
PANELS = {
    "dB": "From the top: the clean pictures, what the network was given, what the best baseline makes of it, and what "
    "the network makes of it.",
    "squared error": "Each arrow leads from a corrupted point to where the network puts it; clean points lie behind.",
}
PICTURES = {
    "label_efficiency.png": (
        "Error by the number of labels",
        "For each number of labelled pictures the test error of every classifier, best at the bottom. Points are means "
        "over draws of labels, bars 95 % intervals. The axis is logarithmic: equal steps are equal ratios.",
    ),
    "loss_curves.png": (
        "Loss per epoch",
        "What the training makes small, after each pass over the training set (an epoch). The validation set is not "
        "trained on: where its loss rises while the other falls, the network learns single pictures by heart.",
    ),
    "psnr_histogram.png": (
        "PSNR per test image",
        "How many of the test pictures came out how well. Right is better.",
    ),
}


def page(title: str, report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """The page of one run.

    Args:
        title: What was run, in a few words.
        report: The final report, as JSON.
        pictures: PNG files by name.
    """
    denoising = DenoisingReport.model_validate(report["denoising"])
    transfer = TransferReport.model_validate({"rows": report["transfer"], "differences": report["differences"]})
    sections = [
        _headline(headline(denoising)),
        _panel(pictures, denoising.unit),
        _restoration(denoising),
        _samples(report, pictures),
        _error_bars(report, pictures),
        _transfer(transfer),
        *(_picture(pictures, name) for name in ("label_efficiency.png", "loss_curves.png", "psnr_histogram.png")),
        _settings(report),
    ]
    return document(title, sections)


def _samples(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """What the samples are worth, of a network that draws."""
    if not report.get("sampling"):
        return ""
    return licence_section(SamplingReport.model_validate(report["sampling"]), pictures.get("samples.png"))


def _error_bars(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """How well the bounds keep their promise, where there are some."""
    if not report.get("error_bars"):
        return ""
    return error_bars_section(ErrorBarsReport.model_validate(report["error_bars"]), pictures.get("error-bars.png"))


def _headline(said: Headline) -> str:
    text = f"<p class='headline {said.verdict}'>{escape(said.text)}</p>"
    return text + note(said.remark)


def _restoration(denoising: DenoisingReport) -> str:
    decibel = denoising.unit == "dB"
    digits, own, given = (
        (2, denoising.restored_db, denoising.corrupted_db) if decibel else (5, denoising.mse, denoising.corrupted_mse)
    )
    rows: list[Row] = [("restored", f"{own:.{digits}f}", "", denoising.images, glossary.RESTORED)]
    for item in sorted(denoising.baselines.values(), key=lambda item: item.mse):
        name = f"{item.name} (best baseline)" if item.name == denoising.best_baseline.name else item.name
        strength = "" if item.strength is None else f"{item.strength:g}"
        value = item.db if decibel else item.mse
        rows.append((name, f"{value:.{digits}f}", strength, item.images, glossary.BASELINES.get(item.name, "")))
    if given is not None:
        rows.append(("corrupted", f"{given:.{digits}f}", "", denoising.images, glossary.CORRUPTED))
    also = f"SSIM {denoising.ssim:.3f}, pooled PSNR {denoising.pooled_db:.2f} dB. {glossary.STRUCTURE}"
    words = (glossary.DECIBEL if decibel else glossary.SQUARED_ERROR, glossary.BASELINE, glossary.INTERVAL)
    return (
        "<h2>Restoration</h2>"
        + "".join(map(note, words))
        + table(("method", denoising.unit, "strength", "samples", "what it is"), rows)
        + (note(also) if decibel else "")
        + _metrics(denoising.metrics)
    )


def _metrics(scores: Mapping[str, MetricScore]) -> str:
    """Further metrics: a row each."""
    rows: list[Row] = [
        (
            f"{name}{f' / {score.unit}' if score.unit else ''}",
            format_interval(score.restored, FINE),
            format_interval(score.corrupted, FINE) if score.corrupted else "-",
            format_interval(score.gain, FINE) if score.gain else "-",
            "higher" if score.higher_is_better else "lower",
        )
        for name, score in scores.items()
    ]
    columns = ("metric", "restored", "corrupted", "gain over corrupted", "better is")
    return table(columns, rows) if rows else ""


def _transfer(transfer: TransferReport) -> str:
    if not transfer.rows:
        return ""
    label_counts = list(dict.fromkeys(row.labels for row in transfer.rows))
    columns = [f"{count:,} labels" for count in label_counts]
    errors = _by_labels({(row.initialisation, row.labels): row.error_percent for row in transfer.rows}, label_counts)
    gains = _by_labels({(row.control, row.labels): row.gain_percent for row in transfer.differences}, label_counts, "+")
    draws = ", ".join(sorted({str(row.n) for row in transfer.rows}))
    shown: list[Row] = [(name, *cells, glossary.CLASSIFIERS.get(name, "")) for name, cells in errors.items()]
    saved: list[Row] = [(name, *cells) for name, cells in gains.items()]
    return (
        "<h2>Classifiers from the encoder: test error in percent</h2>"
        + "".join(f"<p>{escape(line)}</p>" for line in pretraining(transfer))
        + note(f"{glossary.TRANSFER} Draws here: {draws}.")
        + table(("initialisation", *columns, "what it is"), shown)
        + ("<h2>Percentage points saved by fine-tuning</h2>" + note(glossary.PAIRED) if saved else "")
        + (table(("against", *columns), saved) if saved else "")
    )


def _by_labels(
    found: Mapping[tuple[str, int], Interval], label_counts: Sequence[int], sign: str = ""
) -> dict[str, list[str]]:
    """A row of intervals, one for each number of labels, by name; an interval is not broken into lines."""
    texts = {key: format_interval(value, f"{sign}.2f").replace(" ", "\u00a0") for key, value in found.items()}
    return {name: [texts.get((name, count), "") for count in label_counts] for name, _ in found}


def _settings(report: Mapping[str, Any]) -> str:
    training, settings = report["training"], json.dumps(report["experiment"], indent=1)
    facts: list[Row] = [
        ("training", _format_training(training)),
        ("device", f"{training['device']}, {training['precision']}, {training['threads']} threads"),
        ("weights sha256", training["weights_sha256"]),
        ("dataset sha256", report["dataset"]["sha256"]),
        ("MLflow run", report["mlflow"]["run_id"]),
        ("Prefect flow run", report["prefect"]["flow_run_id"]),
        ("reused stages", ", ".join(report["reused"]) or "none"),
        *sorted(report["plugins"].items()),
    ]
    # What `auto` meant is spelt out: another precision or number of threads gives other bytes.
    same = f"--set training.precision={training['precision']} --set training.threads={training['threads']}"
    return (
        f"<h2>Settings and provenance</h2>{table(('what', 'value'), facts)}"
        "<h2>Run it again</h2><p>Save these settings as <code>experiment.yaml</code>, then:</p>"
        f"<pre>dae run experiment.yaml {escape(same)}</pre><pre>{escape(settings)}</pre>"
    )


def _format_training(training: Mapping[str, Any]) -> str:
    return f"{training['epochs']} epochs, {training['seconds']:.0f} s, {training['images_per_second']:,.0f} images/s"


def _panel(pictures: Mapping[str, bytes], unit: str) -> str:
    name = "panel.png"
    return f"<h2>Restored test samples</h2>{figure(pictures[name], PANELS[unit])}" if name in pictures else ""


def _picture(pictures: Mapping[str, bytes], name: str) -> str:
    title, caption = PICTURES[name]
    return f"<h2>{title}</h2>{figure(pictures[name], caption)}" if name in pictures else ""
