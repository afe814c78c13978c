"""Which flows the studio serves beside `denoise`."""

from ..reconciling import reconcile
from ..retraining import retrain

FLOWS = (reconcile, retrain)
