"""The code's size: a code as large as the image could simply copy it."""

from math import prod


def check_code(code: int, input_shape: tuple[int, ...]) -> None:
    """Refuse a code that an image would fit into.

    Points are exempt: two coordinates leave nothing to compress, and the corruption alone forbids copying.

    Args:
        code: Numbers in the code.
        input_shape: Shape of one sample.

    Raises:
        ValueError: The code has as many numbers as the image, or more.
    """
    values = prod(input_shape)
    if len(input_shape) == 3 and code >= values:
        raise ValueError(
            f"the code is larger than allowed: samples of shape {input_shape} hold {values} values, so the code "
            f"may have at most {values - 1}, got {code}; choose a smaller code"
        )
