"""Retraining on a schedule set on the page: the first firing trains, the second is skipped, noise brings a third."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.long
EVERY_SECONDS = 10
TINY = ["training.epochs=3", "training.threads=1", "transfer=null", "corruptions=[{gaussian_noise: {sigma: 0.2}}]"]


def pictures(folder: Path, sigma: float) -> None:
    """Digits as a camera of that noise would deliver them."""
    from sklearn.datasets import load_digits

    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(0)
    for number, digit in enumerate(load_digits().images[:60]):
        noisy = (digit / 16 + sigma * noise.standard_normal(digit.shape)).clip(0, 1)
        Image.fromarray((255 * noisy).round().astype(np.uint8)).save(folder / f"{number}.png")


def firings(studio: Any, deployment: str) -> list[dict[str, Any]]:
    """What the schedule has brought to an end so far, in order."""
    asked = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
    ended = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return [run for run in studio.prefect("/flow_runs/filter", asked) if run["state"]["type"] in ended]


def versions(studio: Any) -> list[str]:
    from mlflow.tracking import MlflowClient

    return [item.version for item in MlflowClient(studio.record["mlflow"]).search_model_versions("name = 'scheduled'")]


def test_a_schedule_trains_once_then_skips_until_the_noise_changes(
    own_studio: Any, tmp_path: Path, wait_until: Any
) -> None:
    """And a schedule that was set on the page outlives a restart of the studio."""
    studio, camera = own_studio.up(), tmp_path / "camera"
    pictures(camera, 0.25)
    deployment = studio.prefect("/deployments/name/retrain/retrain")["id"]
    chosen = {"recipe": "digits-erasure", "overrides": TINY, "model": "scheduled", "incoming": str(camera)}
    schedule = {"active": True, "schedule": {"interval": EVERY_SECONDS}, "parameters": chosen}
    studio.prefect(f"/deployments/{deployment}/schedules", [schedule])

    wait_until(lambda: len(firings(studio, deployment)) >= 2, 240, studio.logs)
    first, second = firings(studio, deployment)[:2]
    assert first["state"]["name"] == "Completed", first["state"]
    assert second["state"]["name"] == "Skipped"
    assert "nothing changed" in second["state"]["message"]
    assert versions(studio) == ["1"]

    pictures(camera, 0.5)
    wait_until(lambda: len(versions(studio)) == 2, 240, studio.logs)
    wait_until(lambda: firings(studio, deployment)[-1]["state"]["name"] == "Skipped", 120, studio.logs)
    assert {run["state"]["type"] for run in firings(studio, deployment)} == {"COMPLETED"}

    studio.down()
    (kept,) = studio.up().prefect(f"/deployments/{deployment}")["schedules"]
    assert kept["schedule"]["interval"] == EVERY_SECONDS
    assert kept["parameters"]["model"] == "scheduled"
