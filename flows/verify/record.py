"""What a verification found: a verdict for each thing, one for the whole, and what differs in how it was computed."""

from typing import Literal

from pydantic import Field

from daecore.record import Record

Verdict = Literal["bit-equal", "equal within tolerance", "different"]
VERDICTS: tuple[Verdict, ...] = ("bit-equal", "equal within tolerance", "different")


class Compared(Record):
    """One thing, as the run keeps it and as it came out now.

    Attributes:
        name: What, as ``denoising.restored_db``; of scores per sample ``per_image.psnr_db``.
        verdict: How equal they are.
        kept: What the run keeps; None for what is many numbers.
        now: What came out.
        difference: The largest difference, in the thing's own unit; of weights the relative distance; None for texts.
        remark: What else is to be said of it.
    """

    name: str
    verdict: Verdict
    kept: float | str | None = None
    now: float | str | None = None
    difference: float | None = None
    remark: str = ""


class Verification(Record):
    """What came of verifying a run.

    Attributes:
        run_id: The run.
        name: What it is called.
        at: When, in UTC as ISO 8601 writes it.
        trained: Whether its networks were trained again, too; else its own weights were evaluated.
        verdict: The worst of all.
        why: What differs in how it was computed, a sentence each; empty where nothing does that a run keeps.
        tolerance: Up to where numbers count as equal; see `daecore_flows.verify.comparison`.
        compared: Each thing.
        left_out: What was not verified, a sentence each.
        remarks: What else is to be said, a sentence each.
        computed: With what each stage was computed now, as a report has it.
        computed_then: With what the same stages were computed when the run was made, as far as it says.
        seconds: What it took.
    """

    run_id: str
    name: str
    at: str
    trained: bool
    verdict: Verdict
    why: tuple[str, ...]
    tolerance: float
    compared: tuple[Compared, ...]
    left_out: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    computed: dict[str, dict[str, str]] = Field(default={})
    computed_then: dict[str, dict[str, str]] = Field(default={})
    seconds: float


def worst(verdicts: "list[Verdict]") -> Verdict:
    """The worst of several; of none, that nothing differs."""
    return max(verdicts, key=VERDICTS.index, default="bit-equal")
