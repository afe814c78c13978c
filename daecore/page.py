"""The report as one HTML file: pictures embedded, works offline, light and dark, readable on a phone.

Knows the report's JSON and PNG bytes. Does not compute.
"""

import base64
import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fbfaf7;--line:#d9d5cb;--soft:#6b7280;--mark:#0b6e69}
@media(prefers-color-scheme:dark){:root{--ink:#e6e3dc;--paper:#15181d;--line:#333a44;--soft:#9aa3b0;--mark:#5cc4bd}}
body{font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:56rem;
  margin:0 auto;padding:2rem 1rem}
h1{font-size:1.6rem;line-height:1.25}h2{font-size:1.15rem;margin-top:2.4rem}
.headline{font-size:1.25rem;color:var(--mark)}.soft{color:var(--soft);font-size:.9rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.3rem 1.2rem .3rem 0;border-bottom:1px solid var(--line)}
img{max-width:100%;height:auto;background:#fff;border-radius:6px}
pre{overflow-x:auto;border-left:3px solid var(--line);padding-left:1rem}
"""
TEMPLATE = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
    "<meta name='viewport' content='width=device-width,initial-scale=1'><title>{title}</title>"
    "<style>{style}</style></head><body><h1>{title}</h1>{body}</body></html>"
)
PICTURES = {
    "panel.png": "Restored test samples",
    "loss_curves.png": "Loss per epoch",
    "psnr_histogram.png": "PSNR per test image",
}
Row = Sequence[object]


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
        *(_picture(pictures, name) for name in ("loss_curves.png", "psnr_histogram.png")),
        _settings(report),
    ]
    return TEMPLATE.format(title=_text(title), style=STYLE, body="".join(sections))


def _headline(denoising: Mapping[str, Any]) -> str:
    best, gain = denoising["best_referee"], denoising["gain_db"] or denoising["gain_mse"]
    verdict = "above" if gain["low"] > 0 else "below" if gain["high"] < 0 else "not distinguishable from"
    if denoising["unit"] == "dB":
        levels = f"from {denoising['corrupted_db']:.2f} to {denoising['restored_db']:.2f} dB"
        said = f"Restored {levels}, a gain of {_interval(gain)} dB"
    else:
        said = f"Squared error {denoising['mse']:.5f}: a gain of {_interval(gain, 5)}"
    note = f"{verdict} the best of the methods that need no network, {best['name']}; 95 % interval over images."
    return f"<p class='headline'>{_text(said)}</p><p class='soft'>{_text(note)}</p>"


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
    return "<h2>Restoration</h2>" + _table(("method", denoising["unit"], "strength", "samples"), rows) + extra


def _transfer(rows: Iterable[Mapping[str, Any]], differences: Iterable[Mapping[str, Any]]) -> str:
    table = [(row["labels"], row["initialisation"], _interval(row["error_percent"]), row["n"]) for row in rows]
    if not table:
        return ""
    paired = [(row["labels"], row["control"], _interval(row["gain_percent"]), row["n"]) for row in differences]
    return (
        "<h2>Classifiers from the encoder</h2>"
        + _table(("labels", "initialisation", "test error %", "draws"), table)
        + "<h2>Percentage points saved by fine-tuning, paired over draws</h2>"
        + _table(("labels", "against", "points", "draws"), paired)
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
        f"<h2>Settings and provenance</h2>{_table(('what', 'value'), facts)}"
        "<h2>Run it again</h2><p>Save these settings as <code>experiment.yaml</code>, then:</p>"
        f"<pre>dae run experiment.yaml {_text(same)}</pre><pre>{_text(settings)}</pre>"
    )


def _trained(training: Mapping[str, Any]) -> str:
    return f"{training['epochs']} epochs, {training['seconds']:.0f} s, {training['images_per_second']:.0f} images/s"


def _picture(pictures: Mapping[str, bytes], name: str) -> str:
    if name not in pictures:
        return ""
    data = base64.b64encode(pictures[name]).decode()
    return f"<h2>{PICTURES[name]}</h2><img alt='{PICTURES[name]}' src='data:image/png;base64,{data}'>"


def _table(head: Row, rows: Iterable[Row]) -> str:
    top = "".join(f"<th>{_text(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class='scroll'><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def _interval(value: Mapping[str, float], digits: int = 2) -> str:
    return f"{value['mean']:.{digits}f} [{value['low']:.{digits}f}, {value['high']:.{digits}f}]"


def _text(value: object) -> str:
    return html.escape(str(value))
