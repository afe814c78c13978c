"""The eight problems: what each is, and what there is to learn of it."""

from .problem import Problem

PROBLEMS = (
    Problem(
        id="mnist_basic",
        title="basic: upright digits, few of them",
        description=(
            "Ten thousand digits to learn from instead of fifty thousand: the yardstick of the harder problems."
        ),
    ),
    Problem(
        id="mnist_rot",
        title="rot: digits turned by any angle",
        description=(
            "Each digit is turned by an angle drawn uniformly from the whole circle, so that a class is no "
            "longer a heap of similar pictures but a ring of them."
        ),
    ),
    Problem(
        id="mnist_bg_rand",
        title="bg-rand: digits on noise",
        description=(
            "Each background pixel is drawn uniformly, independent of all others: most of a picture's "
            "variation says nothing of the digit, and every pixel of it is loud."
        ),
    ),
    Problem(
        id="mnist_bg_img",
        title="bg-img: digits on photographs",
        description=(
            "Each digit lies on a patch of a photograph. Unlike noise, a background has edges and strokes of "
            "its own, which look like those of digits."
        ),
    ),
    Problem(
        id="mnist_bg_img_rot",
        title="bg-img-rot: turned digits on photographs",
        description=(
            "Both at once, a digit turned by any angle on a patch of a photograph: the hardest of the digit problems."
        ),
    ),
    Problem(
        id="rectangles",
        title="rectangles: wide or tall",
        description=(
            "Is the outline of a rectangle wider than it is tall? The answer lies in two lengths, and no "
            "single pixel says anything of it. 10,000 samples train and 2,000 validate here; 1,000 and 200 in the "
            "paper."
        ),
    ),
    Problem(
        id="rectangles_img",
        title="rectangles-img: wide or tall, in photographs",
        description=(
            "The same question where a rectangle is a patch of one photograph on a patch of another, so that "
            "its border has to be found first."
        ),
    ),
    Problem(
        id="convex",
        title="convex: one convex region or not",
        description=(
            "Is the white region convex? Classes differ in a property of the whole shape, not in where it is or how "
            "large. 10,000 samples train and 2,000 validate here; 6,000 and 2,000 in the paper."
        ),
    ),
)
STUDIES = {problem.id: problem.study() for problem in PROBLEMS}
