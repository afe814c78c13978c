"""What Prefect's page shows of a run: how far a stage is, its numbers, its picture, and the way to MLflow."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from daecore.headline import headline, pretraining
from daecore.scores import TransferReport

from . import tracking
from .console import PROGRESS
from .records import FinalReport

EVERY_SECONDS = 2.0
LAST_WORD_SECONDS = 5.0


@contextmanager
def progress_shown(key: str) -> Iterator[None]:
    """Show what a stage logs of its progress, as a bar with the latest words, while the block runs.

    Args:
        key: The artifact's key: small letters and dashes.
    """
    listener, logger = _Bar(key), logging.getLogger(PROGRESS)
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)
        listener.close()


class _Bar(logging.Handler):
    """A progress artifact, made at the first record and changed every few seconds; the last word is always shown.

    It is sent by threads of its own: a server that is busy for a minute holds up no training, and not its end.
    """

    def __init__(self, key: str) -> None:
        super().__init__(logging.INFO)
        self.key, self.artifact, self.shown = key, UUID(int=0), 0.0
        self.sent: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record of progress; what goes wrong in showing never stops the training."""
        if not hasattr(record, "progress"):
            return
        _, done, total = record.progress
        busy = self.sent is not None and self.sent.is_alive()
        if done < total and (busy or time.monotonic() - self.shown < EVERY_SECONDS):
            return
        self.shown = time.monotonic()
        run = copy_context()  # in it is the flow run that the artifact belongs to
        values = (self._show, record, 100 * done / total, self.sent)
        self.sent = threading.Thread(target=run.run, args=values, name="progress", daemon=True)
        self.sent.start()

    def close(self) -> None:
        """Send the last word, as long as that takes no longer than people wait."""
        if self.sent is not None:
            self.sent.join(LAST_WORD_SECONDS)
        super().close()

    def _show(self, record: logging.LogRecord, percent: float, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        text = record.getMessage()
        try:
            if self.artifact.int:
                update_progress_artifact(self.artifact, percent, text)
            else:
                self.artifact = create_progress_artifact(percent, self.key, text)  # type: ignore[assignment]
        except Exception:
            self.handleError(record)


def show_report(final: FinalReport, title: str) -> None:
    """Put the report with its picture, and the table of its metrics, into Prefect."""
    create_markdown_artifact(markdown=_text(final, title), key="report", description=title)
    create_table_artifact(table=[*_measured(final)], key="metrics", description=f"{title}: every method, best first")


def _text(final: FinalReport, title: str) -> str:
    denoising, run = final.denoising, final.mlflow["run_id"]
    link = tracking.run_page(run)
    said = headline(denoising)
    rows = [f"| {row['method']} | {row[denoising.unit]:.4g} |" for row in _measured(final)]
    errors = [
        f"| {row['labels']} | {row['initialisation']} | {row['error_percent']['mean']:.1f} |" for row in final.transfer
    ]
    parts = [
        f"**[Open in MLflow]({link})**" if link else f"MLflow run {run}; files in `{final.files['artifacts']}`",
        f"# {title}",
        f"**{said.text}** {said.remark}",
        f"![restored test samples]({tracking.artifact_page(run, 'panel.png')})" if link else "",
        "\n".join([f"| | {denoising.unit} |", "|---|---|", *rows]),
        "\n".join(["| labels | initialisation | error % |", "|---|---|---|", *errors]) if errors else "",
        *pretraining(TransferReport.model_validate({"rows": final.transfer, "differences": final.differences})),
        f"[The whole report]({tracking.artifact_page(run, 'report.html')}) · run `{run}`" if link else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _measured(final: FinalReport) -> list[dict[str, str | float]]:
    """A row per method, best first: what it reaches and on how many samples."""
    denoising, decibel = final.denoising, final.denoising.unit == "dB"
    found: list[tuple[str, float | None, int]] = [
        ("restored", denoising.restored_db if decibel else denoising.mse, denoising.images),
        ("corrupted", denoising.corrupted_db if decibel else denoising.corrupted_mse, denoising.images),
        *((item.name, item.db if decibel else item.mse, item.images) for item in denoising.referees.values()),
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
