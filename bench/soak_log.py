"""What a soak has done: a line of JSON for each event, appended; counted when it goes on."""

import json
import time
from pathlib import Path
from typing import Any

Event = dict[str, Any]


class Log:
    """The events of a soak, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, part: str, **event: Any) -> None:
        """Note what happened."""
        line = json.dumps({"part": part, "at": round(time.time(), 1), **event})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def of(self, part: str, **wanted: Any) -> list[Event]:
        """What happened in a part, the oldest first; with these values, where some are wanted."""
        if not self._path.exists():
            return []
        found: list[Event] = []
        for line in self._path.read_text(encoding="utf-8").splitlines():
            try:
                event = json.loads(line)
            except ValueError:  # the last one, where the process was killed
                continue
            if event["part"] == part and all(event.get(name) == value for name, value in wanted.items()):
                found.append(event)
        return found
