"""The report as one HTML file: pictures embedded, works offline, light and dark, readable on a phone.

Knows the report's JSON and PNG bytes. Does not compute.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from daecore.markup import Row, document, escaped, interval, picture, table

PICTURES = {
    "panel.png": "Restored test samples",
    "loss_curves.png": "Loss per epoch",
    "psnr_histogram.png": "PSNR per test image",
    "label_efficiency.png": "Error against the number of labels",
}


def page(title: str, report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> str:
    """The page of one run.

    Args:
        title: What was run, in a few words.
        report: The final report, as JSON.
        pictures: PNG files by name.
    """
    sections = [
        _headline(report["denoising"]),
        _picture(pictures, "panel.png"),
        _restoration(report["denoising"]),
        _transfer(report["transfer"], report["differences"]),
        _picture(pictures, "label_efficiency.png"),
        *(_picture(pictures, name) for name in ("loss_curves.png", "psnr_histogram.png")),
        _settings(report),
    ]
    return document(title, sections)


def _headline(denoising: Mapping[str, Any]) -> str:
    best, gain = denoising["best_referee"], denoising["gain_db"] or denoising["gain_mse"]
    verdict = "above" if gain["low"] > 0 else "below" if gain["high"] < 0 else "not distinguishable from"
    if denoising["unit"] == "dB":
        levels = f"from {denoising['corrupted_db']:.2f} to {denoising['restored_db']:.2f} dB"
        said = f"Restored {levels}, a gain of {interval(gain)} dB"
    else:
        said = f"Squared error {denoising['mse']:.5f}: a gain of {interval(gain, 5)}"
    note = f"{verdict} the best of the methods that need no network, {best['name']}; 95 % interval over images."
    return f"<p class='headline'>{escaped(said)}</p><p class='soft'>{escaped(note)}</p>"


def _restoration(denoising: Mapping[str, Any]) -> str:
    digits, key = (2, "db") if denoising["unit"] == "dB" else (5, "mse")
    own = denoising["restored_db"] if key == "db" else denoising["mse"]
    rows: list[Row] = [("restored", f"{own:.{digits}f}", "", denoising["images"])]
    for item in sorted(denoising["referees"].values(), key=lambda item: item["mse"]):
        strength = "" if item["strength"] is None else f"{item['strength']:g}"
        rows.append((item["name"], f"{item[key]:.{digits}f}", strength, item["images"]))
    extra = (
        f"<p class='soft'>SSIM {denoising['ssim']:.3f}, pooled PSNR {denoising['pooled_db']:.2f} dB.</p>"
        if key == "db"
        else ""
    )
    return "<h2>Restoration</h2>" + table(("method", denoising["unit"], "strength", "samples"), rows) + extra


def _transfer(rows: Iterable[Mapping[str, Any]], differences: Iterable[Mapping[str, Any]]) -> str:
    errors = [(row["labels"], row["initialisation"], interval(row["error_percent"]), row["n"]) for row in rows]
    if not errors:
        return ""
    paired = [(row["labels"], row["control"], interval(row["gain_percent"]), row["n"]) for row in differences]
    return (
        "<h2>Classifiers from the encoder</h2>"
        + table(("labels", "initialisation", "test error %", "draws"), errors)
        + "<h2>Percentage points saved by fine-tuning, paired over draws</h2>"
        + table(("labels", "against", "points", "draws"), paired)
    )


def _settings(report: Mapping[str, Any]) -> str:
    training, settings = report["training"], json.dumps(report["experiment"], indent=1)
    facts: list[Row] = [
        ("training", _trained(training)),
        ("place", f"{training['device']}, {training['precision']}, {training['threads']} threads"),
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
        f"<pre>dae run experiment.yaml {escaped(same)}</pre><pre>{escaped(settings)}</pre>"
    )


def _trained(training: Mapping[str, Any]) -> str:
    return f"{training['epochs']} epochs, {training['seconds']:.0f} s, {training['images_per_second']:.0f} images/s"


def _picture(pictures: Mapping[str, bytes], name: str) -> str:
    return f"<h2>{PICTURES[name]}</h2>{picture(pictures[name], PICTURES[name])}" if name in pictures else ""
