"""What Prefect's page shows of a run: its numbers, and where everything else lies."""

from prefect.artifacts import create_markdown_artifact

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
