"""JSON that somebody else may have written: its value, or one kind of error.

Python's reader counts brackets by its own stack: some thousand of them end it by a `RecursionError`, which nobody
expects of a text.
"""

import json
from typing import Any


def parse_json(text: str | bytes) -> Any:
    """The value that a text stands for.

    Raises:
        ValueError: It is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
