"""Bg-img-rot: turned digits on photographs."""

from ..problem import Problem

STUDY = Problem(
    id="mnist_bg_img_rot",
    title="bg-img-rot: turned digits on photographs",
    says=("Both at once, a digit turned by any angle on a patch of a photograph: the hardest of the digit problems."),
).study()
