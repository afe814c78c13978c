"""Bg-img: digits on photographs."""

from ..problem import Problem

STUDY = Problem(
    id="mnist_bg_img",
    title="bg-img: digits on photographs",
    says=(
        "Each digit lies on a patch of a photograph. Unlike noise, a background has edges and strokes of "
        "its own, which look like those of digits."
    ),
).study()
