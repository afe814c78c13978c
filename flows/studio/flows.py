"""Which flows the studio serves beside `denoise`."""

from ..reconciling import reconcile
from ..rerunning import rerun
from ..retraining.flow import retrain
from ..sweeping import sweep

FLOWS = (rerun, sweep, retrain, reconcile)
