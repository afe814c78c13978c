"""Which flows the studio serves beside `denoise`."""

from ..reconciling import reconcile

FLOWS = (reconcile,)
