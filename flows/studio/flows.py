"""Which flows the studio serves beside `denoise`."""

from ..reconciling import reconcile
from ..retraining.flow import retrain

FLOWS = (reconcile, retrain)
