"""Whether a store has this program's version: its layout, and the schema of MLflow's database.

Prefect's server brings its own database up to date when it begins.
"""

from ..store import studio_record
from ..store.layout import LAYOUT
from ..store.migrations import Migration, migrate
from ..store.store import Store
from .finding import Finding


def older_layout(store: Store, steps: list[Migration]) -> Finding:
    """A store whose layout is older, and can be brought up to date."""
    said = f"its layout is {steps[0].before}, and this version's {LAYOUT}: {'; '.join(step.what for step in steps)}"
    if studio_record.running(store.root):
        return Finding("version", False, f"{said}. End `dae up`, then run this again")
    return Finding("version", False, said, lambda: f"copied to {migrate(store, steps)}, then brought up to date")


def version(store: Store) -> Finding:
    """Whether MLflow's database is that of the MLflow installed here; an older one can be brought up to date."""
    if not store.is_there:
        return Finding("version", True, f"layout {LAYOUT}; no database yet")
    from ..store.tracking.schema import schema_of

    schema = schema_of(store)
    if schema.agrees:
        return Finding("version", True, f"layout {LAYOUT}, MLflow's schema {schema.found or 'not made yet'}")
    if schema.is_known:
        said = f"MLflow's schema is {schema.found}, older than this MLflow's {schema.wanted}"
        if studio_record.running(store.root):
            return Finding("version", False, f"{said}. End `dae up`, then run this again")
        everywhere = " (end all that uses it first, on every machine)" if store.shared is not None else ""
        return Finding("version", False, f"{said}{everywhere}", lambda: _upgrade(store))
    said = f"MLflow's schema is {schema.found}, which this MLflow ({schema.wanted}) does not know: it is newer"
    return Finding("version", False, f"{said}. Install the version of MLflow that made it")


def _upgrade(store: Store) -> str:
    from ..store.tracking.schema import schema_of, upgrade

    with store.lock("schema"):
        schema = schema_of(store)  # of two at once the second finds it done
        return "by somebody else" if schema.agrees else f"copied to {upgrade(store, schema)}, then brought up to date"
