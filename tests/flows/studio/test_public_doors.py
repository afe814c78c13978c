"""A studio that answers other machines, with real requests: by HTTPS, people with a password, and nobody else."""

import base64
import http.client
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from planted import Planted
from studio import Studio, wait_until

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("stranger")]

HOST, PASSWORD = "127.0.0.2", "correct horse battery"  # an address beside the loopback one, as another card has
CLIENTS = """
from prefect.client.orchestration import get_client
from mlflow.tracking import MlflowClient
with get_client(sync_client=True) as prefect:
    print(any(found.name == "digits-erasure" for found in prefect.read_deployments()))
print([found.name for found in MlflowClient().search_experiments()])
"""


class Open(Studio):
    """A studio with doors for other machines."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.certificate, self.key = root.parent / "certificate.pem", root.parent / "key.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab"]
        names = ["-addext", f"subjectAltName=IP:{HOST}", "-keyout", self.key, "-out", self.certificate]
        subprocess.run([*command, *names], check=True, capture_output=True)
        self.words = ["--host", HOST, "--certificate", str(self.certificate), "--key", str(self.key)]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, dae: Any) -> Iterator[Open]:
    root = tmp_path_factory.mktemp("open") / "store"
    made = Open(root)
    subprocess.run(
        [str(Path(sys.executable).parent / "dae"), "people", "add", "ada", "--store", str(root)],
        input=f"{PASSWORD}\n", text=True, check=True, capture_output=True,
    )  # fmt: skip
    yield made.up()
    made.end()


def ask(studio: Open, page: str, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer of a page's door for other machines."""
    port = int(studio.record[f"public_{page}"].rpartition(":")[2])
    context = ssl.create_default_context(cafile=str(studio.certificate))
    with closing(http.client.HTTPSConnection(HOST, port, context=context, timeout=60)) as connection:
        body = b'{"max_results": 1}' if method == "POST" else None
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, given)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def basic(password: str = PASSWORD) -> str:
    return "Basic " + base64.b64encode(f"ada:{password}".encode()).decode()


@pytest.mark.parametrize("page", ["prefect", "mlflow"])
def test_a_page_asks_for_a_password(opened: Open, page: str) -> None:
    """Its own pages, and its interface; what a browser is told of framing and connecting holds here, too."""
    status, headers = ask(opened, page)
    assert (status, headers["www-authenticate"]) == (401, 'Basic realm="daecore", charset="UTF-8"')
    assert ask(opened, page, Authorization=basic("a wrong password"))[0] == 401
    status, headers = ask(opened, page, Authorization=basic())
    assert status == 200
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert "connect-src 'self'" in headers["content-security-policy"]
    assert "server" not in headers


@pytest.mark.parametrize(
    ("page", "path"), [("prefect", "/api/flow_runs/filter"), ("mlflow", "/api/2.0/mlflow/experiments/search")]
)
def test_another_page_is_refused_although_the_browser_sends_the_password_along(
    opened: Open, page: str, path: str
) -> None:
    own = opened.record[f"public_{page}"]
    known = {"method": "POST", "Authorization": basic(), "Content_Type": "application/json"}
    assert ask(opened, page, path, **known, Origin=own)[0] == 200
    for origin in ("https://evil.example", "null", own.replace("https", "http"), f"{own}0"):
        assert ask(opened, page, path, **known, Origin=origin)[0] == 403
    assert ask(opened, page, path, **known, Sec_Fetch_Site="cross-site")[0] == 403
    assert ask(opened, page, path, **{**known, "Content_Type": "text/plain"})[0] == 415


def test_nothing_is_said_without_tls(opened: Open) -> None:
    port = int(opened.record["public_prefect"].rpartition(":")[2])
    with closing(http.client.HTTPConnection(HOST, port, timeout=60)) as connection:
        connection.request("GET", "/", headers={"Authorization": basic()})
        with pytest.raises((http.client.HTTPException, OSError)):
            connection.getresponse()


def test_both_clients_sign_in(opened: Open) -> None:
    """As their own variables say it."""
    said = opened.record
    given = {
        "PREFECT_API_URL": f"{said['public_prefect']}/api", "PREFECT_API_AUTH_STRING": f"ada:{PASSWORD}",
        "PREFECT_API_SSL_CERT_FILE": str(opened.certificate), "MLFLOW_TRACKING_URI": said["public_mlflow"],
        "MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        "MLFLOW_TRACKING_SERVER_CERT_PATH": str(opened.certificate),
    }  # fmt: skip
    wait_until(lambda: opened.prefect("/deployments/count", {}) > 0, 60)
    command, environment = [sys.executable, "-P", "-c", CLIENTS], {**os.environ, **given}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True", "['Default']"]


def test_on_this_machine_nobody_is_asked(opened: Open) -> None:
    """The runner and commands use the first door; what is printed is where others find the pages."""
    assert opened.prefect("/health") is True
    assert opened.record["public_prefect"] in opened.said
    assert opened.record["prefect"] not in opened.said


def test_no_password_is_written_down(opened: Open) -> None:
    """Neither a right one nor a wrong one, by whatever was asked before."""
    wrong = "never a right one"
    assert ask(opened, "prefect", Authorization=basic())[0] == 200
    assert ask(opened, "mlflow", Authorization=basic(wrong))[0] == 401
    planted = Planted({"right": PASSWORD, "wrong": wrong})
    assert planted.in_files(opened.root) == {}
    assert planted.in_text(opened.said) == []


def test_who_was_removed_is_out_at_once(opened: Open, dae: Any) -> None:
    assert ask(opened, "mlflow", Authorization=basic())[0] == 200
    dae(opened.root, "people", "remove", "ada")
    assert ask(opened, "mlflow", Authorization=basic())[0] == 401
