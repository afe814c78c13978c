"""Which flows the studio serves beside `denoise`."""

from ..features.flow import features
from ..lecture.flow import lecture
from ..reconciling import reconcile
from ..rerunning import rerun
from ..retraining.flow import retrain
from ..sweep.flow import sweep
from ..vincent.flow import vincent

FLOWS = (lecture, features, vincent, rerun, sweep, retrain, reconcile)
