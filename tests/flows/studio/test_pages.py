"""The two pages in a real browser: fill the form, submit, watch, read the report, find everything in MLflow.

The pictures of the README's tour are made here: `make tour` keeps them.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.long, pytest.mark.e2e]
SIGMA = "0.37"


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: a scratch folder, or the one that is asked for."""
    folder = Path(os.environ["DAE_TOUR"]).resolve() if "DAE_TOUR" in os.environ else tmp_path_factory.mktemp("tour")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def submitted(studio: Any, page: Any, tour: Path) -> str:
    """The flow run that was started by filling the form: another corruption's tab, one changed number."""
    deployment = studio.prefect("/deployments/name/denoise/digits-erasure")["id"]
    page.goto(f"{_at_localhost(studio)}/deployments/deployment/{deployment}/run")
    page.get_by_text("gaussian_noise", exact=True).click()
    sigma = page.locator(".schema-form-property").filter(has=page.get_by_text("Sigma (Optional)")).last
    sigma.locator("input[type=number]").fill(SIGMA)
    page.get_by_text("several", exact=True).wait_for()
    page.screenshot(path=tour / "form.png")
    page.get_by_role("button", name="Submit").click()
    page.get_by_text("scheduled to").first.wait_for()
    (run,) = studio.prefect("/flow_runs/filter", {"deployments": {"id": {"any_": [deployment]}}})
    deadline = time.monotonic() + 120
    while studio.state(run["id"]) != "Running" and time.monotonic() < deadline:
        time.sleep(0.2)
    page.goto(f"{_at_localhost(studio)}/runs/flow-run/{run['id']}")
    page.get_by_text("daecore.progress").first.wait_for()
    page.screenshot(path=tour / "running.png")
    page.goto("about:blank")  # an open page takes most of a core from the run
    assert studio.finished(run["id"]) == "Completed", studio.logs()
    return run["id"]


def _at_localhost(studio: Any) -> str:
    """Prefect's page under its other name."""
    return studio.record["prefect"].replace("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def run(studio: Any, submitted: str) -> Any:
    """Its MLflow run."""
    (found,) = studio.runs(f"tags.`prefect.flow_run_id` = '{submitted}'")
    return found


def test_the_form_s_tab_and_number_are_what_ran(run: Any) -> None:
    """FINISHED, with the corruption that was chosen and the number that was typed; the rest as the recipe has it."""
    assert run.info.status == "FINISHED"
    assert run.data.tags["corruption"] == "gaussian_noise"
    assert run.data.params["corruptions.0.gaussian_noise.sigma"] == SIGMA
    assert run.data.params["architecture.dense.code"] == "48"
    assert run.data.tags["recipe"] == "digits-erasure"


def test_mlflow_has_figures_panel_and_registered_model(studio: Any, run: Any) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(studio.record["mlflow"])
    assert {"restored_db", "corrupted_db", "ssim", "gain_db.low", "error_percent.finetune.100"} <= set(run.data.metrics)
    assert {"panel.png", "report.html", "per_image.npz"} <= {
        item.path for item in client.list_artifacts(run.info.run_id)
    }
    version = client.get_model_version_by_alias("digits-gaussian_noise-0.37", "newest")
    assert version.run_id == run.info.run_id


def test_prefect_s_page_shows_the_report_with_its_picture(studio: Any, page: Any, tour: Path, submitted: str) -> None:
    """The picture comes from MLflow's server and is loaded; the way to MLflow stands first."""
    asked = {"artifacts": {"flow_run_id": {"any_": [submitted]}}}
    found = {item["key"]: item for item in studio.prefect("/artifacts/filter", asked)}
    assert {"report", "metrics", "training"} <= found.keys()
    assert found["training"]["data"] == 100
    page.goto(f"{studio.record['prefect']}/artifacts/artifact/{found['report']['id']}")
    picture = page.locator("img[src*='panel.png']")
    picture.wait_for()
    page.wait_for_function(
        "[...document.images].some(image => image.src.includes('panel.png') && image.naturalWidth > 500)"
    )
    page.screenshot(path=tour / "report.png")
    assert found["report"]["data"].startswith("**[Open in MLflow](")


def test_the_report_s_link_opens_the_run_in_mlflow(page: Any, tour: Path, run: Any, submitted: str) -> None:
    """In the layout for training, with the panel in its description."""
    opened = page  # the link opens a tab of its own in some versions: it is followed by its address
    opened.goto(page.get_by_role("link", name="Open in MLflow").get_attribute("href"))
    opened.get_by_text("About this run").wait_for()
    opened.locator("img[src*='panel-small.png']").wait_for()
    opened.screenshot(path=tour / "mlflow.png")
    assert opened.get_by_text("Registered models").count()


def test_two_runs_are_compared_on_one_page(studio: Any, page: Any, tour: Path, run: Any) -> None:
    """The page of `dae compare`."""
    page.goto("about:blank")  # an open page takes most of a core from the runs
    assert studio.finished(studio.submit("denoise/digits-erasure", seed=1)) == "Completed"
    assert studio.finished(studio.submit("denoise/digits-erasure", seed=2)) == "Completed"
    two = [found.info.run_id for found in studio.runs("tags.stage = 'denoise' and tags.corruption = 'erasure'")]
    comparison = tour / "comparison.html"
    studio.dae("compare", *two, "--html", str(comparison))
    page.goto(comparison.as_uri())
    page.screenshot(path=tour / "comparison.png")
    comparison.unlink()


def test_the_addresses_that_up_prints_open_what_one_wants(studio: Any, page: Any, tour: Path, run: Any) -> None:
    """At 1280 pixels: MLflow's table of whole runs with gain and PSNR; Prefect's page of what one begins with."""
    prefect, mlflow = (
        next(line.split()[1] for line in studio.said.splitlines() if line.strip().startswith(name))
        for name in ("Prefect ", "MLflow ")
    )
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(mlflow)
    page.get_by_text("matching runs").wait_for()
    for column in ("gain_db.mean", "restored_db"):
        page.get_by_test_id(f"sort-header-{column}").wait_for()
    assert page.get_by_text(run.info.run_name).count()
    assert not page.get_by_text("MLflow Assistant").filter(visible=True).count()
    page.screenshot(path=tour / "runs.png")
    page.goto(prefect)
    page.get_by_text("9 Deployments").wait_for()
    for name in ("digits-erasure", "lecture", "sweep", "retrain"):
        assert page.get_by_text(name, exact=True).count()
    page.screenshot(path=tour / "deployments.png")
    page.set_viewport_size({"width": 1500, "height": 1000})


def test_every_tab_of_the_form_is_seen_at_1280_pixels(studio: Any, page: Any) -> None:
    deployment = studio.prefect("/deployments/name/denoise/digits-erasure")["id"]
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{_at_localhost(studio)}/deployments/deployment/{deployment}/run")
    page.get_by_text("several", exact=True).wait_for()
    tabs = page.evaluate(
        "[...document.querySelectorAll('.p-button-group *')].map(it => it.getBoundingClientRect().right)"
    )
    assert len(tabs) > 40
    assert max(tabs) <= 1280
    page.set_viewport_size({"width": 1500, "height": 1000})


def test_an_installed_package_is_a_tab_after_up(own_studio: Any, page: Any, tmp_path: Path) -> None:
    """The plugin kit's example, from `pip install` to a tab of the form with its own option."""
    source, target = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(Path(__file__).parents[2] / "example_plugin", source)
    quiet = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *quiet, "--target", target, source], check=True)
    own_studio.environment["PYTHONPATH"] = str(target)
    deployment = own_studio.up().prefect("/deployments/name/denoise/digits-erasure")["id"]
    page.goto(f"{own_studio.record['prefect']}/deployments/deployment/{deployment}/run")
    page.get_by_text("scan", exact=True).click()
    page.get_by_text("Period (Optional)").wait_for()
    assert page.get_by_text("Every n-th row goes dark.").count()
