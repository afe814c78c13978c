"""The stage that ends a run: everything it found, written into its own MLflow run; never cached.

A run whose stages all came from the cache is as full as any other.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from prefect import task

from daecore.experiment.experiment import Experiment
from daecore.experiment.provenance import provenance, used_by
from daecore.html.headline import headline
from daecore.html.report import page
from daecore.record import Record
from daecore.trained.error_bars_file import NAME as BARS
from daecore.transfer.scores import TransferReport
from daecore.uncertainty.report import ErrorBarsReport

from ..store import tracking
from ..store.dataset_ref import DatasetRef
from ..store.final_report import FinalReport, Reported, model_name
from ..store.fitted_bars import remember_bars
from ..store.model_ref import ModelRef
from ..store.server_address import pages
from ..store.store import Store, current_store
from ..store.usage import usage
from .error_bars import FittedErrorBars
from .evaluation import Evaluated
from .sampling import Sampled
from .stage import Timed

SMALL, WIDTH = "panel-small.png", 760  # the panel as MLflow's description shows it: pictures there are never scaled
GAINS = ("gain_db", "gain_over_corrupted_db", "gain_over_linear_db", "gain_mse", "gain_over_corrupted_mse")
ENDS = ("mean", "low", "high")


class Outcome(Record):
    """All that the stages gave."""

    experiment: Experiment
    run_id: str
    flow_run_id: str
    dataset: DatasetRef
    model: ModelRef
    evaluated: Evaluated
    sampled: Sampled | None
    bounded: FittedErrorBars | None
    transfer: TransferReport
    timings: tuple[Timed, ...]
    seconds: float
    uses: tuple[str, ...]


@task(persist_result=False)
def report(outcome: Outcome) -> Reported:
    """Write metrics, tags, pictures, the JSON report and the page into the outcome's run; never cached."""
    store = current_store()
    kept = outcome.evaluated.files | (outcome.sampled.files if outcome.sampled else {})
    kept |= outcome.bounded.files if outcome.bounded else {}
    run, pictures = outcome.run_id, {name: ref.absolute(store) for name, ref in kept.items()}
    final = _final(outcome, store)
    curves = _loss_curves(outcome.model.run_id)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "report.json").write_text(final.model_dump_json(indent=2), encoding="utf-8")
        (folder / "loss_curves.png").write_bytes(curves)
        pictures["loss_curves.png"] = folder / "loss_curves.png"
        if len({row.labels for row in outcome.transfer.rows}) > 1:
            pictures["label_efficiency.png"] = folder / "label_efficiency.png"
            pictures["label_efficiency.png"].write_bytes(_label_efficiency(outcome.transfer))
        shown = {name: path.read_bytes() for name, path in pictures.items() if path.suffix == ".png"}
        html = page(outcome.experiment.title, final.model_dump(mode="json"), shown)
        (folder / "report.html").write_text(html, encoding="utf-8")
        for name, path in pictures.items():
            log = tracking.log_with_reference if name == "panel.png" else tracking.log_file  # the end of a run names it
            log(run, path)
        tracking.log_with_reference(run, folder / "report.html")
        written = tracking.log_with_reference(run, folder / "report.json")
        if "panel.png" in pictures:
            tracking.log_picture(run, _panel(pictures["panel.png"]), "panel")
            _small(pictures["panel.png"]).save(folder / SMALL)
            tracking.log_file(run, folder / SMALL)
    tracking.log_metrics(run, metrics(final))
    tracking.tag(run, _tags(outcome))
    if outcome.bounded is not None:
        remember_bars(run, outcome.bounded.report.level, outcome.bounded.files[BARS])
    _register(outcome, store)
    tracking.log_dataset(run, outcome.dataset.spec.name, outcome.dataset.sha256, outcome.dataset.sizes)
    return Reported(run_id=run, report=written)


def metrics(final: FinalReport) -> dict[str, float]:
    """The report's numbers under the names that every run uses."""
    denoising = final.denoising.model_dump(mode="json")
    found = {name: value for name, value in denoising.items() if isinstance(value, float)}
    for name in GAINS:
        found |= {f"{name}.{end}": denoising[name][end] for end in ENDS} if denoising[name] else {}
    for name, score in final.denoising.metrics.items():
        for part in ("restored", "gain"):
            interval = getattr(score, part)
            found |= {f"metric.{name}.{part}.{end}": getattr(interval, end) for end in ENDS} if interval else {}
    for row in final.transfer:
        found[f"error_percent.{row['initialisation']}.{row['labels']}"] = row["error_percent"]["mean"]
    for name, measure in final.sampling.measures.items() if final.sampling else ():
        if measure.value is not None:
            found |= {f"samples.{name}.{end}": getattr(measure.value, end) for end in ENDS}
    found |= _error_bars(final.error_bars) if final.error_bars else {}
    training = final.training.model_dump(include={"images_per_second", "seconds", "loss"})
    return found | {f"training.{name}": value for name, value in training.items()}


def _error_bars(report: ErrorBarsReport) -> dict[str, float]:
    """What error bars are worth, under the names that every run uses."""
    shares = {
        "coverage": report.coverage,
        "shorter": report.shorter,
        "whole_shorter": report.whole_shorter,
        "db_held": report.db_held,
    }
    shares |= {f"coverage.{group.number}": group.coverage for group in report.quintiles}
    found = {"width": report.width, "constant_width": report.constant_width, "promised_db": report.promised_db}
    for name, share in shares.items():
        found |= {f"{name}.{end}": getattr(share, end) for end in ENDS} if share else {}
    return {f"error_bars.{name}": value for name, value in found.items()}


def _small(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB").resize((WIDTH, image.height * WIDTH // image.width), Image.Resampling.LANCZOS)


def _register(outcome: Outcome, store: Store) -> None:
    """Put the network into the registry; ``@newest`` points at what was reported last."""
    name = model_name(outcome.experiment)
    said = {"evaluation": outcome.evaluated.digest, "title": outcome.experiment.title}
    with store.lock("registry"):
        version = tracking.register(name, outcome.model.run_id, outcome.run_id, said)
        tracking.give_alias(name, "newest", version)
    tracking.tag(outcome.run_id, {"model": f"models:/{name}/{version}"})


def _final(outcome: Outcome, store: Store) -> FinalReport:
    experiment, dataset = outcome.experiment, outcome.dataset
    specs = used_by(experiment)
    root = str(store.root)
    return FinalReport(
        experiment=experiment.model_dump(mode="json"),
        digest=experiment.digest,
        mlflow={
            "run_id": outcome.run_id,
            "uri": tracking.shown_uri(),
            "experiment_id": tracking.experiment_of(outcome.run_id),
            "training_run_id": outcome.model.run_id,
        },
        prefect={"flow_run_id": outcome.flow_run_id},
        dataset={"sha256": dataset.sha256, "sizes": dataset.sizes, "shape": dataset.shape},
        denoising=outcome.evaluated.report,
        sampling=outcome.sampled.report if outcome.sampled else None,
        error_bars=outcome.bounded.report if outcome.bounded else None,
        transfer=[row.model_dump(mode="json") for row in outcome.transfer.rows],
        differences=[row.model_dump(mode="json") for row in outcome.transfer.differences],
        training=outcome.model.summary,
        seconds={"total": outcome.seconds, **{item.stage: item.seconds for item in outcome.timings}},
        reused=[item.stage for item in outcome.timings if item.reused],
        plugins=provenance(specs),
        computed={item.stage: item.computed for item in outcome.timings if item.computed},
        files={"store": root, "artifacts": str(tracking.artifact_folder(outcome.run_id))},
    )


def _loss_curves(training_run: str) -> bytes:
    from daecore.plots import figures

    loss, held_out = (tracking.history(training_run, name) for name in ("loss", "validation_loss"))
    return figures.png(figures.loss_curves([(step, loss[step], held_out.get(step)) for step in sorted(loss)]))


def _label_efficiency(transfer: TransferReport) -> bytes:
    from daecore.plots import figures
    from daecore.plots.label_efficiency import label_efficiency

    return figures.png(label_efficiency(transfer))


def _panel(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _tags(outcome: Outcome) -> dict[str, str]:
    """What was reused, from where, and what the run is about in one paragraph."""
    return {
        "reused": ",".join(item.stage for item in outcome.timings if item.reused),
        "source_run": outcome.model.run_id,
        "evaluation": outcome.evaluated.digest,
        "mlflow.note.content": _note(outcome),
        **usage(outcome.uses),
        "settings": json.dumps(outcome.experiment.model_dump(mode="json"))[:5000],
    }


def _note(outcome: Outcome) -> str:
    """The run in a paragraph and its picture, for the top of MLflow's page."""
    said, run = headline(outcome.evaluated.report), outcome.run_id
    served = f"get-artifact?run_uuid={run}&path="
    page = f"{pages()}/runs/flow-run/{outcome.flow_run_id}"
    parts = [
        f"**{outcome.experiment.title}**: {said.text} {said.remark}",
        f"![restored test samples]({served}{SMALL})" if "panel.png" in outcome.evaluated.files else "",
        f"[The whole report]({served}report.html)",
        f"[The flow run in Prefect]({page})" if page.startswith("http") else "",
    ]
    return "\n\n".join(part for part in parts if part)
