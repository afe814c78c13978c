"""Basic: upright digits, few of them."""

from ..problem import Problem

STUDY = Problem(
    id="mnist_basic",
    title="basic: upright digits, few of them",
    says=("Ten thousand digits to learn from instead of fifty thousand: the yardstick of the harder problems."),
).study()
