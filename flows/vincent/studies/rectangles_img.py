"""Rectangles-img: wide or tall, in photographs."""

from ..problem import Problem

STUDY = Problem(
    id="rectangles_img",
    title="rectangles-img: wide or tall, in photographs",
    says=(
        "The same question where a rectangle is a patch of one photograph on a patch of another, so that "
        "its border has to be found first."
    ),
).study()
