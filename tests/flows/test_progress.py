"""What Prefect's page is told while a stage runs."""

import logging
import time
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from daecore_flows import progress

LOGGER = logging.getLogger(progress.PROGRESS)


class Server:
    """Prefect's server, as far as a bar asks it for something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers, self.asked = Event(), Event()
        self.shown: list[tuple[float, str]] = []
        monkeypatch.setattr(progress, "create_progress_artifact", self.create)
        monkeypatch.setattr(progress, "update_progress_artifact", self.update)
        monkeypatch.setattr(progress, "EVERY_SECONDS", 0.0)

    def create(self, percent: float, key: str, text: str) -> Any:
        self.update(None, percent, text)
        return uuid4()

    def update(self, artifact: Any, percent: float, text: str) -> None:
        self.asked.set()
        assert self.answers.wait(30)
        self.shown.append((percent, text))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(LOGGER, "level", logging.INFO)
    return Server(monkeypatch)


def say(epoch: int, of: int) -> None:
    LOGGER.info("epoch %d", epoch, extra={"progress": ("epoch", epoch, of)})


def test_a_server_that_does_not_answer_holds_up_no_training(server: Server) -> None:
    """The epochs go on meanwhile; of what was said, the first word and the last one are shown."""
    with progress.show_progress("training"):
        say(1, 4)
        assert server.asked.wait(30)
        say(2, 4)
        say(3, 4)
        say(4, 4)
        assert server.shown == []
        server.answers.set()
    assert server.shown == [(25.0, "epoch 1"), (100.0, "epoch 4")]


def test_what_is_no_progress_is_not_shown(server: Server) -> None:
    server.answers.set()
    with progress.show_progress("training"):
        LOGGER.info("the data are loaded")
    say(1, 1)
    assert server.shown == []


def test_a_server_that_fails_stops_no_training(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    monkeypatch.setattr(progress, "create_progress_artifact", lambda *_: 1 / 0)
    with progress.show_progress("training"):
        say(1, 1)
    assert server.shown == []


def test_a_server_that_does_not_answer_holds_up_no_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted training is over in seconds; the last word is lost then."""
    monkeypatch.setattr(progress, "LAST_WORD_SECONDS", 0.1)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), progress.show_progress("training"):  # noqa: PT012
        say(1, 4)
        assert server.asked.wait(30)
        raise KeyboardInterrupt
    assert time.monotonic() - began < 10
    assert server.shown == []
    server.answers.set()
