"""Which flows the studio serves beside `denoise`."""

from ..features.flow import features
from ..lecture.flow import lecture
from ..reconcile.flow import reconcile
from ..rerun import rerun
from ..retraining.flow import retrain
from ..sweep.flow import sweep
from ..vincent.flow import vincent

FLOWS = (lecture, features, vincent, rerun, sweep, retrain, reconcile)
