"""Mean absolute error: what the median of several answers makes small."""

from torch import Tensor

from daecore import Metric, Options, hookimpl


class Mae(Options):
    """Mean absolute error of each sample."""


def mae(restored: Tensor, clean: Tensor, options: Mae) -> Tensor:
    """``mean |restored - clean|`` of each sample, nothing clipped.

    Args:
        restored: float32 ``(B, *shape)``.
        clean: Likewise.
        options: It has none.

    Returns:
        float32 ``(B,)``, in units of the data.
    """
    return (restored - clean).abs().flatten(1).mean(1)


@hookimpl
def register_metrics() -> list[Metric]:
    """Ship `mae`."""
    return [Metric(name="mae", options=Mae, function=mae, higher_is_better=False)]
