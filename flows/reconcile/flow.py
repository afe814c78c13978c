"""The flow `reconcile`: what Prefect and MLflow say of runs, joined with what really lives."""

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from ..store import tracking
from ..store.store import current_store


@flow(name="reconcile", persist_result=False)
def reconcile() -> list[str]:
    """Join MLflow's and Prefect's states with the processes that live; resume or close what is dead."""
    from . import reconciliation

    store = current_store()
    tracking.prepare(store)
    said = reconciliation.reconcile(store)
    lines = [f"- {line}" for line in said] or [
        "Everything agrees: no run is said to be under way whose process is gone."
    ]
    create_markdown_artifact(markdown="\n".join(lines), key="reconcile", description="What was mended")
    return said
