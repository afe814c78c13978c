"""Plots: numbers in, figures out."""

from daecore.plots.curves import Curves, curves
from daecore.plots.figures import (
    COLUMNS,
    CYCLE,
    GREY,
    ORANGE,
    arrows,
    difference_histogram,
    loss_curves,
    panel,
    png,
    psnr_histogram,
)
from daecore.plots.filter_sheets import filter_sheets, sheet, spreads
from daecore.plots.heatmap import heat_map
from daecore.plots.label_efficiency import label_efficiency
from daecore.plots.parallel_coordinates import parallel_coordinates
from daecore.plots.plane import Moves, bare, coded_curve, draw_moves, fields, grid, walks
from daecore.plots.samples import sample_panel
from daecore.plots.scatter import Point, scatter
from daecore.plots.strength_curves import strength_curves

__all__ = [
    "COLUMNS",
    "CYCLE",
    "GREY",
    "ORANGE",
    "Curves",
    "Moves",
    "Point",
    "arrows",
    "bare",
    "coded_curve",
    "curves",
    "difference_histogram",
    "draw_moves",
    "fields",
    "filter_sheets",
    "grid",
    "heat_map",
    "label_efficiency",
    "loss_curves",
    "panel",
    "parallel_coordinates",
    "png",
    "psnr_histogram",
    "sample_panel",
    "scatter",
    "sheet",
    "spreads",
    "strength_curves",
    "walks",
]
