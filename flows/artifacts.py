"""What Prefect's page shows of a run: its numbers, and where everything else lies."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from .records import FinalReport


def show_report(final: FinalReport, title: str) -> None:
    """Put the report's numbers and the way to MLflow into Prefect."""
    create_markdown_artifact(markdown=_text(final, title), key="report", description=title)


def _text(final: FinalReport, title: str) -> str:
    denoising = final.denoising
    best = denoising.best_referee
    numbers = {
        "corrupted": denoising.corrupted_db or denoising.corrupted_mse,
        f"best referee: {best.name}": best.db or best.mse,
        "restored": denoising.restored_db or denoising.mse,
    }
    measured = [f"| {name} | {value:.4g} |" for name, value in numbers.items() if value is not None]
    errors = [
        f"| {row['labels']} | {row['initialisation']} | {row['error_percent']['mean']:.1f} |" for row in final.transfer
    ]
    parts = [
        f"MLflow run {_link(final)}; files in `{final.files['artifacts']}`",
        f"# {title}",
        "\n".join([f"| | {denoising.unit} |", "|---|---|", *measured]),
        "\n".join(["| labels | initialisation | error % |", "|---|---|---|", *errors]) if errors else "",
    ]
    return "\n\n".join(parts)


def _link(final: FinalReport) -> str:
    """The run as a link where MLflow is served, else its id."""
    uri, run = final.mlflow["uri"], final.mlflow["run_id"]
    return f"[{run}]({uri}/#/experiments/{final.mlflow['experiment_id']}/runs/{run})" if uri.startswith("http") else run


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
