"""What a user decides of error bars."""

from pydantic import Field

from daecore.plugin.options import Options


class ErrorBarsOptions(Options):
    """Bounds around each restored value, calibrated on validation pictures."""

    level: float = Field(default=0.9, ge=0.5, le=0.99, description="share of uncertain values within their bounds")
    training_share: float = Field(
        default=0.1, gt=0, le=10, description="pictures that train the bounds, for each that trained the network"
    )
