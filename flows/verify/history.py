"""History: a verification noted in its run: a file for each, the latest in tags, and in what MLflow's page shows."""

import re

from ..store import tracking
from ..store.store import Store
from ..store.verified import AT, HOW, VERDICT, WHY
from .record import Verification

FOLDER = "verifications"  # among a run's artifacts
NOTE = "mlflow.note.content"
LINE = re.compile(r"\n*^\*\*Last verified\*\* .*$", re.MULTILINE)
MOST = 1000  # characters of the reasons in the note


def note(found: Verification, store: Store) -> bool:
    """Note a verification in its run; whether that was still there."""
    with store.lock(f"verified-{found.run_id}"):
        run = tracking.run_of(found.run_id)
        if run is None or run.info.lifecycle_stage != "active":
            return False
        name = f"{FOLDER}/{found.at.replace(':', '').replace('+0000', 'Z')}.json"
        tracking.log_json(found.run_id, found.model_dump(mode="json"), name)
        text = LINE.sub("", run.data.tags.get(NOTE, ""))
        said = {AT: found.at, VERDICT: found.verdict, HOW: how(found), WHY: " ".join(found.why)}
        tracking.tag(found.run_id, {**said, NOTE: f"{text}\n\n{line(found)}".strip()})
        return True


def how(found: Verification) -> str:
    """How it was verified: ``trained again`` or ``evaluated again``."""
    return "trained again" if found.trained else "evaluated again"


def line(found: Verification) -> str:
    """The verification in a line of Markdown, for the run's page."""
    why = " ".join(found.why)[:MOST]
    day, minute = found.at[:10], found.at[11:16]
    return f"**Last verified** {day} {minute} UTC, {how(found)}: {found.verdict}.{f' {why}' if why else ''}"
