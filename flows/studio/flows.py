"""Which flows the studio serves beside `denoise`."""

from ..reconciling import reconcile
from ..rerunning import rerun
from ..sweeping import sweep

FLOWS = (rerun, sweep, reconcile)
