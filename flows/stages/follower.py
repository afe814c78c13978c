"""Follower: a process that computes its share of a training which another one leads. It writes nothing.

``python -m daecore_flows.stages.follower DIR LEADER`` follows the one training that is told of in the folder; a task of
a cluster follows one, too. A `dae` that torchrun has begun, and that is not its first process, follows every training
of the first one.
"""

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from daecore.errors import DaecoreError, StoreError
from daecore.training.world import World

from ..store.store import Store, current_store
from ..store.temporary_files import keep_to_own_folder, let_go_of_folder
from . import cluster_ranks, local_ranks, torchrun
from .training import TrainingRequest, begin_training, clean_splits, train_autoencoder, train_epochs

POLL_SECONDS = 0.5  # how often it looks whether who leads still lives


def main() -> int:
    """Follow the training of a folder."""
    folder, rank, world = Path(sys.argv[1]), int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    threading.Thread(target=_end_with, args=(int(sys.argv[2]),), daemon=True).start()
    try:
        request = TrainingRequest.model_validate_json((folder / local_ranks.REQUEST).read_text(encoding="utf-8"))
        follow = prepare_to_follow(request, current_store())
        local_ranks.sign_of_life(folder, rank).touch()
        with local_ranks.meet(folder, request.device.kind, World(rank, world)) as met:
            follow(met)
    except DaecoreError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def follow_all() -> None:
    """Follow every training of torchrun's first process, until it has ended."""
    number = 0
    while told := torchrun.next_message(number):
        for name, folder in told.folders.items():
            os.environ.setdefault(name, folder)
        request = TrainingRequest.model_validate_json(told.request)
        follow = prepare_to_follow(request, current_store())
        with torchrun.meet_launched(request.device.kind, number) as world:
            follow(world)
        number += 1


def follow_meeting(asked: str, rank: int, meeting: Mapping[str, Any]) -> None:
    """Follow one training of a cluster, as a task of it.

    Args:
        asked: The training request, as JSON.
        rank: Which of its processes this one is.
        meeting: Where it meets the others: a `Meeting`.
    """
    request = TrainingRequest.model_validate_json(asked)
    where = cluster_ranks.Meeting.model_validate(meeting)
    store = where.store()
    follow = prepare_to_follow(request, current_store())
    store.set(cluster_ranks.sign_of_life(rank), "")
    with cluster_ranks.meet(store, request.device.kind, World(rank, where.size)) as world:
        follow(world)


def prepare_to_follow(request: TrainingRequest, store: Store) -> Callable[[World], None]:
    """What computes this process's share of a training that another process leads, with all that it needs loaded.

    Raises:
        StoreError: See `require_same_code`.
    """
    require_same_code(request)
    keep_to_own_folder()
    begun = begin_training(request, store)
    splits = clean_splits(request, begun.below)

    def follow(world: World) -> None:
        with request.device.apply():
            for _ in train_epochs(request, begun, splits, None, world):
                pass

    return follow


def require_same_code(request: TrainingRequest) -> None:
    """Refuse to train under the key of a process that would compute something else.

    Raises:
        StoreError: It has other code or plugins than this one.
    """
    specs = [
        *request.corruptions,
        request.architecture,
        request.objective,
        *(ref.architecture for ref in request.below),
    ]
    ours = train_autoencoder.key_of({}, specs, request.device)
    if (ours.code, ours.plugins) != (request.key.code, request.key.plugins):
        raise StoreError(
            f"This process ({socket.gethostname()}, daecore {version('daecore')}) has other code or plugins than the "
            f"one that asks it to train: {', '.join(ours.plugins)} here, {', '.join(request.key.plugins)} there. "
            "Install the same versions on all machines."
        )


def _end_with(leader: int) -> None:
    """End when who leads is gone: a training would wait for him half an hour."""
    while os.getppid() == leader:
        time.sleep(POLL_SECONDS)
    let_go_of_folder()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
