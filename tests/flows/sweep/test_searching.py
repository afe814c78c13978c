"""What becomes of a trial's run: with the same command it is run again, but where the same would come again."""

import pytest
from daecore_flows.sweep.searching import Job, _seed_run

from daecore.errors import DataError, InputError, NonFiniteError, StoreError


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (StoreError("The disk of the store is full."), "crashed"),
        (DataError("The decoded pictures cannot be written."), "crashed"),
        (RuntimeError("CUDA error"), "crashed"),
        (InputError("The network does not fit."), "failed"),
        (NonFiniteError("The loss is NaN."), "failed"),
    ],
)
def test_a_full_disk_is_no_answer_to_what_a_trial_asked(error: Exception, state: str) -> None:
    assert _seed_run(Job(1, 0), error, "psnr").state == state
