"""Follower: a process that computes its share of a training which another one leads. It writes nothing.

``python -m daecore_flows.stages.follower DIR`` follows the one training that is told of in the folder; a `dae` that
torchrun has begun, and that is not its first process, follows every training of the first one.
"""

import os
import sys
import threading
import time
from pathlib import Path

from daecore.errors import DaecoreError
from daecore.training.world import World

from ..store.store import current_store
from . import ranks
from .training import TrainingRequest, follow

POLL_SECONDS = 0.5  # how often it looks whether who leads still lives


def main() -> int:
    """Follow the training of a folder."""
    folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    request = TrainingRequest.model_validate_json((folder / ranks.REQUEST).read_text(encoding="utf-8"))
    ranks.sign_of_life(folder, rank).touch()
    world = World(rank, int(os.environ["WORLD_SIZE"]))
    try:
        with ranks.meet(folder, request.device.kind, world) as met:
            follow(request, current_store(), met)
    except DaecoreError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def follow_all() -> int:
    """Follow every training of torchrun's first process, until it has ended."""
    store, number = ranks.torchrun_store(), 0
    while told := ranks.next_message(store, number):
        for name, folder in told.folders.items():
            os.environ.setdefault(name, folder)
        request = TrainingRequest.model_validate_json(told.request)
        with ranks.follow_launched(request.device.kind, number) as world:
            follow(request, current_store(), world)
        number += 1
    return 0


def _end_with(leader: int) -> None:
    """End when who leads is gone: a training would wait for him half an hour."""
    while os.getppid() == leader:
        time.sleep(POLL_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
