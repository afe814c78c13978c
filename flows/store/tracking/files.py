"""Files of a run: artifacts, pictures for the grid, the dataset's digest."""

import json
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlparse

import numpy as np
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_IMAGES
from numpy.typing import NDArray
from PIL import Image

from daecore.errors import StoreError, in_a_line

from ..file_ref import FileRef
from ..files import file_digest, path_inside
from ..store import Store, current_store
from ..unwritable import require_there
from .connection import client

PICTURES = "images"  # the folder of the grid's pictures among a run's artifacts
PICTURE_NAME = (
    rf"^{PICTURES}/(?P<key>[A-Za-z0-9_.-]{{1,100}})\+step\+(?P<step>[0-9]{{1,18}})"
    r"\+timestamp\+[0-9]{1,18}\+[0-9a-f-]{36}$"
)
COMPRESSED = 256  # pixels of the longer side of the copy that MLflow's page shows first


def log_file(run_id: str, path: Path, folder: str = "") -> None:
    """Put a file among the run's artifacts.

    Raises:
        StoreError: The store is gone.
    """
    client().log_artifact(run_id, str(path), folder or None)
    require_there(current_store().root)


def log_json(run_id: str, value: Any, name: str) -> None:
    """Put a value among the run's artifacts, as JSON."""
    client().log_dict(run_id, value, name)
    require_there(current_store().root)


def log_picture(run_id: str, image: NDArray[np.uint8], key: str, step: int = 0) -> None:
    """Put a picture ``(H, W)`` or ``(H, W, 3)`` into the grid of images that compares runs; one that is there stays."""
    if step in pictures(run_id, key):
        return
    with BytesIO() as file:
        Image.fromarray(image).save(file, "PNG")
        log_picture_file(run_id, file.getvalue(), picture_name(key, step))


def picture_name(key: str, step: int) -> str:
    """The name of a picture in that grid, without an ending: MLflow's page reads key, step and time from it."""
    return f"{PICTURES}/{key}+step+{step}+timestamp+{int(time.time() * 1000)}+{uuid.uuid4()}"


def picture_of(name: str) -> tuple[str, int] | None:
    """The key and the step that such a name says; None for another one."""
    found = re.match(PICTURE_NAME, name.removesuffix(".png"))
    return (found["key"], int(found["step"])) if found else None


def pictures(run_id: str, key: str) -> set[int]:
    """The steps of which the grid has a picture under this key."""
    found = (picture_of(it.path) for it in client().list_artifacts(run_id, PICTURES) if it.path.endswith(".png"))
    return {it[1] for it in found if it is not None and it[0] == key}


def log_picture_file(run_id: str, png: bytes, name: str) -> None:
    """The same of a PNG file; under the same name once more it is the same picture."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, PurePosixPath(name).name)
        Path(f"{path}.png").write_bytes(png)
        with Image.open(f"{path}.png", formats=["PNG"]) as image:
            scale = COMPRESSED / max(image.size)
            small = image.resize((max(1, int(image.width * scale)), max(1, int(image.height * scale))))
            small.save(f"{path}+compressed.webp")
        for made in sorted(Path(folder).iterdir()):  # the PNG file last: where it is, both are
            client().log_artifact(run_id, str(made), str(PurePosixPath(name).parent))
    require_there(current_store().root)
    client().set_tag(run_id, MLFLOW_LOGGED_IMAGES, True)


def artifact(run_id: str, name: str) -> Path:
    """Where an artifact of a run lies on this machine; it is brought here first, if there is one."""
    return current_store().files.bring(artifact_folder(run_id) / name)


def log_with_reference(run_id: str, file: Path, folder: str = "") -> FileRef:
    """Put a file among the run's artifacts; the reference by which it is found again, on any machine."""
    log_file(run_id, file, folder)
    there = artifact_folder(run_id) / folder / file.name
    store = current_store()
    if store.shared is not None:  # it was made here: nobody need bring it
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
    return FileRef(path=str(there.relative_to(store.root)), sha256=file_digest(there))


def log_dataset(run_id: str, name: str, sha256: str, profile: Mapping[str, Any]) -> None:
    """Say which data went in, by the digest of its tensors."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    entry = Dataset(name, sha256[:36], "daecore", json.dumps({"sha256": sha256}), profile=json.dumps(dict(profile)))
    client().log_inputs(run_id, [DatasetInput(entry, [InputTag("mlflow.data.context", "training")])])


def artifact_folder(run_id: str) -> Path:
    """The folder of a run's artifacts on this machine; in a shared store, of those that were needed here.

    Raises:
        StoreError: They do not lie in the shared store.
    """
    uri, store = client().get_run(run_id).info.artifact_uri, current_store()
    if store.shared is None:
        return Path(unquote(urlparse(uri).path))
    return path_inside(store.artifacts, store.artifacts / unquote(_below(store, uri)))


def _below(store: Store, uri: str) -> str:
    """What an address has behind that of a shared store's artifacts.

    Raises:
        StoreError: It is another one: MLflow would write wherever it leads.
    """
    if not uri.startswith(f"{store.artifacts_url}/"):
        raise StoreError(
            f"The shared store's database says that files lie in {in_a_line(uri)}, which is not in "
            f"{store.artifacts_url}. Nothing is written there: somebody has changed it."
        )
    return uri.removeprefix(f"{store.artifacts_url}/")
