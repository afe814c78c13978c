"""What Prefect's page shows of a run: how far a stage is, its numbers, its picture, and the way to MLflow."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from daecore.html.error_bars import error_bars_lines
from daecore.html.headline import headline, pretraining
from daecore.html.licence import licence_lines
from daecore.transfer.scores import TransferReport

from .store import tracking
from .store.final_report import FinalReport


def show_report(final: FinalReport, title: str) -> None:
    """Put the report with its picture, and the table of its metrics, into Prefect."""
    create_markdown_artifact(markdown=_text(final, title), key="report", description=title)
    create_table_artifact(table=[*_score_rows(final)], key="metrics", description=f"{title}: every method, best first")


def _text(final: FinalReport, title: str) -> str:
    denoising, run = final.denoising, final.mlflow["run_id"]
    link = tracking.run_page(run)
    said = headline(denoising)
    rows = [f"| {row['method']} | {row[denoising.unit]:.4g} |" for row in _score_rows(final)]
    errors = [
        f"| {row['labels']} | {row['initialisation']} | {row['error_percent']['mean']:.1f} |" for row in final.transfer
    ]
    parts = [
        f"**[Open in MLflow]({link})**" if link else f"MLflow run {run}; files in `{final.files['artifacts']}`",
        f"# {title}",
        f"**{said.text}** {said.remark}",
        f"![restored test samples]({tracking.artifact_page(run, 'panel.png')})" if link else "",
        "\n".join([f"| | {denoising.unit} |", "|---|---|", *rows]),
        *_samples(final, bool(link)),
        *_error_bars(final, bool(link)),
        "\n".join(["| labels | initialisation | error % |", "|---|---|---|", *errors]) if errors else "",
        *pretraining(TransferReport.model_validate({"rows": final.transfer, "differences": final.differences})),
        f"[The whole report]({tracking.artifact_page(run, 'report.html')}) · run `{run}`" if link else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _samples(final: FinalReport, linked: bool) -> list[str]:
    """Of a network that draws: its samples, and what they are worth."""
    if final.sampling is None:
        return []
    page = tracking.artifact_page(final.mlflow["run_id"], "samples.png")
    images = final.denoising.unit == "dB"
    picture = f"![original, corrupted, mean, samples, deviation]({page})" if linked and images else ""
    return [
        "**Samples of what could have been**",
        picture,
        "\n".join(f"- {it}" for it in licence_lines(final.sampling)),
    ]


def _error_bars(final: FinalReport, linked: bool) -> list[str]:
    """Of a run with error bars: how well they keep their promise."""
    if final.error_bars is None:
        return []
    page = tracking.artifact_page(final.mlflow["run_id"], "error-bars.png")
    return [
        "**Error bars**",
        f"![original, corrupted, restored, lower and upper bound, width]({page})" if linked else "",
        "\n".join(f"- {it}" for it in error_bars_lines(final.error_bars)),
    ]


def _score_rows(final: FinalReport) -> list[dict[str, str | float]]:
    """A row per method, best first: what it reaches and on how many samples."""
    denoising, decibel = final.denoising, final.denoising.unit == "dB"
    found: list[tuple[str, float | None, int]] = [
        ("restored", denoising.restored_db if decibel else denoising.mse, denoising.images),
        ("corrupted", denoising.corrupted_db if decibel else denoising.corrupted_mse, denoising.images),
        *((item.name, item.db if decibel else item.mse, item.images) for item in denoising.baselines.values()),
    ]
    known = [(name, value, count) for name, value, count in found if value is not None]
    known.sort(key=lambda row: -row[1] if decibel else row[1])
    return [{"method": name, denoising.unit: round(value, 5), "samples": count} for name, value, count in known]


def show_decision(markdown: str, model: str) -> None:
    """Put what a retraining decided into Prefect.

    Args:
        markdown: The card.
        model: The registered model it is about.
    """
    create_markdown_artifact(markdown=markdown, key="decision", description=f"Retraining of {model}")


def show_changes(markdown: str) -> None:
    """Put what a repeated run changes into Prefect."""
    create_markdown_artifact(markdown=markdown, key="rerun", description="what differs from the run it repeats")


class SweepProgress:
    """How far a sweep is, as a bar on Prefect's page."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.artifact: UUID | None = None

    def update(self, done: int) -> None:
        """Move the bar; the first call makes it."""
        percent = min(100.0, 100 * done / self.total)
        said = f"{done} of {self.total} trials"
        if self.artifact is None:
            made: Any = create_progress_artifact(percent, key="sweep-progress", description=said)
            self.artifact = made
        else:
            update_progress_artifact(self.artifact, percent, description=said)


def show_sweep(markdown: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put a sweep's report and its whole table into Prefect."""
    create_markdown_artifact(markdown=markdown, key="sweep", description="what the sweep found")
    table = [{name: "" if value is None else value for name, value in row.items()} for row in rows]
    create_table_artifact(table=table, key="sweep-table", description="every trial")
