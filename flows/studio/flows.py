"""Which flows the studio serves beside `denoise`."""

from ..reconciling import reconcile
from ..rerunning import rerun
from ..retraining.flow import retrain
from ..sweep.flow import sweep

FLOWS = (rerun, sweep, retrain, reconcile)
