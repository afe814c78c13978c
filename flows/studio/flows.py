"""Which flows the studio serves beside those of recipes and of series."""

from ..reconcile.flow import reconcile
from ..rerun import rerun
from ..retraining.flow import retrain
from ..sweep.flow import sweep

FLOWS = (rerun, sweep, retrain, reconcile)
