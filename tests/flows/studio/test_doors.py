"""The three servers' doors, with real requests: a table of them, a browser's foreign page, and a database altered.

The servers are the studio's Prefect, the studio's MLflow, and the Prefect of one command.
"""

import http.client
import http.server
import json
import os
import socket
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("stranger")]  # `dae up` is given in a stranger's folder
EVIL = "evil.example"


@dataclass(frozen=True)
class Server:
    """One of them: what it reads, what it is asked that could change something, and what may be of any type."""

    name: str
    port: int
    reads: str
    changes: str
    body: bytes
    uploads: str = ""

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.putrequest(method, path, skip_host=True)
            for name, value in {**headers, **({"Content-Length": str(len(body))} if body else {})}.items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


TEMPORARY = """
import sys
from daecore_flows.store.store import current_store
current_store().enter()
from daecore_flows.studio.temporary_server import begin
server = begin()
server.wait()
print(server.url, flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def servers(studio: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    environment = {**os.environ, "DAE_STORE": str(tmp_path_factory.mktemp("command"))}
    environment.pop("PREFECT_API_URL", None)
    with subprocess.Popen(
        [sys.executable, "-P", "-c", TEMPORARY],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        temporary = urlsplit(process.stdout.readline().strip()).port
        assert temporary, "the command's server did not start"
        ports = [urlsplit(studio.record[name]).port for name in ("prefect", "mlflow")]
        prefect = ("/api/health", "/api/flow_runs/filter", b'{"limit": 1}')
        yield [
            Server("the studio's Prefect", ports[0], *prefect),
            Server("a command's Prefect", temporary, *prefect),
            Server(
                "the studio's MLflow", ports[1], "/api/2.0/mlflow/experiments/get?experiment_id=0",
                "/api/2.0/mlflow/experiments/search", b'{"max_results": 1}',
                "/api/2.0/mlflow-artifacts/artifacts/door.bin",
            ),
        ]  # fmt: skip
        process.stdin.close()
        process.wait(60)


HOSTS = ("127.0.0.1", "localhost", "[::1]", "localhost, another port", f"{EVIL}:4201", f"127.0.0.1.{EVIL}")
ORIGINS = ("none", "the same", f"http://{EVIL}", "http://localhost:1", "null")
TYPES = ("application/json", "text/plain", "application/octet-stream", "none")


def right(method: str, host: str, origin: str, kind: str) -> set[int]:
    """The statuses that are right."""
    if EVIL in host or origin not in ("none", "the same"):
        return {403}
    if method in ("POST", "PUT", "PATCH", "DELETE") and kind != "application/json":
        return {415}
    return {200} if method in ("GET", "POST") else {200, 204, 404, 405}  # not every method is one of the application's


def test_the_table_of_requests(servers: list[Server], capsys: pytest.CaptureFixture[str]) -> None:
    """Method x Host x Origin x Content-Type on each server; printed with the statuses of the three."""
    wrong: list[str] = []
    asks = [(method, "none") for method in ("GET", "OPTIONS")] + list(product(("POST", "PATCH", "DELETE"), TYPES))
    lines = [" ".join(f"{method} {kind}" for method, kind in asks)]
    for host, origin in product(HOSTS, ORIGINS):
        cells = [cell(servers, method, host, origin, kind, wrong) for method, kind in asks]
        lines.append(f"{host:24} {origin:20} {' '.join(cells)}")
    with capsys.disabled():
        print("", f"The statuses of {', '.join(server.name for server in servers)}; asked are", *lines, sep="\n")
    assert wrong == []


def cell(servers: list[Server], method: str, host: str, origin: str, kind: str, wrong: list[str]) -> str:
    """One request, asked of each; what was not right joins a list."""
    row = []
    for server in servers:
        named = "localhost:9" if "another" in host else host if EVIL in host else f"{host}:{server.port}"
        headers = {"Host": named, "Origin": f"http://{named}" if origin == "the same" else origin, "Content-Type": kind}
        asked = {name: value for name, value in headers.items() if value != "none"}
        body = b"" if method in ("GET", "OPTIONS") else server.body
        path = server.reads if method == "GET" else server.changes
        status, answer, _ = server.ask(method, path, asked, body)
        row.append(str(status))
        opened = answer.get("access-control-allow-origin")
        own = asked.get("Origin") if origin == "the same" and EVIL not in host else None
        if status not in right(method, host, origin, kind) or opened not in (None, own):
            wrong.append(f"{server.name}: {method} {asked}: {status}, open to {opened}")
    return "/".join(row) if len(set(row)) > 1 else row[0]


def test_files_are_uploaded_to_mlflow_with_types_of_their_own(servers: list[Server]) -> None:
    """By programs; a foreign page is refused here as well."""
    (mlflow,) = [server for server in servers if server.uploads]
    headers = {"Host": f"127.0.0.1:{mlflow.port}", "Content-Type": "image/png"}
    assert mlflow.ask("PUT", mlflow.uploads, headers, b"\x89PNG")[0] == 200
    assert mlflow.ask("GET", mlflow.uploads, headers)[2] == b"\x89PNG"
    assert mlflow.ask("PUT", mlflow.uploads, {**headers, "Origin": f"http://{EVIL}"}, b"\x89PNG")[0] == 403
    assert mlflow.ask("DELETE", mlflow.uploads, headers)[0] in (200, 204)


AS_NOBODY = """
import encodings.idna, http.client, os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for port in sys.argv[1:]:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    connection.request("GET", "/api/health")
    print(connection.getresponse().status)
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    connection.request("GET", "/api/health", headers={"X-Forwarded-For": "127.0.0.1"})
    print(connection.getresponse().status)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_another_user_of_the_machine_is_refused(servers: list[Server]) -> None:
    """Whatever he says of himself."""
    ports = [str(server.port) for server in servers]
    asked = subprocess.run([sys.executable, "-P", "-c", AS_NOBODY, *ports], capture_output=True, text=True, check=True)
    assert asked.stdout.split() == ["403"] * 6


@pytest.mark.parametrize("origin", [None, "same", f"http://{EVIL}", "null"])
def test_a_websocket_opens_for_its_own_page_and_for_programs(servers: list[Server], origin: str | None) -> None:
    """The stream of events, on both of Prefect's servers."""
    for server in servers[:2]:
        host = f"localhost:{server.port}"
        headers = {
            "Host": host, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "prefect",
        }  # fmt: skip
        if origin:
            headers["Origin"] = f"http://{host}" if origin == "same" else origin
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
            connection.sendall(f"GET /api/events/out HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
            status = connection.recv(100).split()[1]
        assert status == (b"101" if origin in (None, "same") else b"403")


def test_a_shell_command_by_patch_ends_in_a_refusal(studio: Any, servers: list[Server], tmp_path: Path) -> None:
    """With this machine's Host and as JSON; nothing is changed."""
    prefect, mark = servers[0], tmp_path / "mark"
    deployment = studio.prefect("/deployments/name/denoise/digits-erasure")["id"]
    steps = [{"prefect.deployments.steps.run_shell_script": {"script": f"touch {mark}"}}]
    headers = {"Host": f"127.0.0.1:{prefect.port}", "Content-Type": "application/json"}
    body = json.dumps({"pull_steps": steps}).encode()
    status, _, said = prefect.ask("PATCH", f"/api/deployments/{deployment}", headers, body)
    assert (status, b"run_shell_script" in said) == (422, True)
    assert not studio.prefect(f"/deployments/{deployment}")["pull_steps"]


def test_the_runner_runs_its_own_flows_whatever_the_database_says(studio: Any, wait_until: Any, tmp_path: Path) -> None:
    """A shell command and another file, written into the database: the deployment's own flow runs, and nothing else.

    Its process is killed once, as what is to follow a crash is looked up by the runner itself.
    """
    mark, other = tmp_path / "mark", tmp_path / "other.py"
    other.write_text(f"open({str(mark)!r}, 'w')\nfrom prefect import flow\n@flow\ndef denoise(**given): ...\n")
    steps = json.dumps([{"prefect.deployments.steps.run_shell_script": {"script": f"touch {mark}"}}])
    columns = "pull_steps, entrypoint, path"
    before = _in_database(studio, f"SELECT {columns} FROM deployment WHERE name = 'digits-erasure'")
    change = f"UPDATE deployment SET ({columns}) = (?, ?, ?) WHERE name = 'digits-erasure'"
    _in_database(studio, change, steps, f"{other}:denoise", str(tmp_path))
    try:
        training = {"epochs": 60, "batch": 64, "threads": 1}
        run = studio.submit("denoise/digits-erasure", training=training, transfer=None)
        wait_until(lambda: list((studio.root / "checkpoints").glob("*.safetensors")), 300, studio.logs)
        assert studio.runs(f"tags.`prefect.flow_run_id` = '{run}'")
        for process in studio.processes("daecore_flows.studio.flow_run"):
            process.kill()
        states = f"/flow_run_states/?flow_run_id={run}"
        wait_until(lambda: "Crashed" in [state["name"] for state in studio.prefect(states)], 60, studio.logs)
        wait_until(lambda: "as crashed" in (studio.root / "logs" / "runner.log").read_text(), 60, studio.logs)
        cancelled = {"state": {"type": "CANCELLED"}, "force": True}  # or it would go on
        wait_until(lambda: studio.prefect(f"/flow_runs/{run}/set_state", cancelled)["status"] == "ACCEPT", 60)
        time.sleep(1)  # for the runner to look up what is to follow
        assert not mark.exists()
    finally:
        _in_database(studio, change, *before)


def _in_database(studio: Any, statement: str, *values: Any) -> Any:
    """The first row of what a statement gives, in Prefect's database."""
    database = studio.root / "prefect" / "prefect.db"
    with closing(sqlite3.connect(database, timeout=60)) as connection, connection:
        return connection.execute(statement, values).fetchone()


FOREIGN = """<!doctype html><title>waiting</title><iframe id=f src="SERVER/"></iframe><script>
const tried = {};
async function ask(name, path, options) {
  try { const a = await fetch("SERVER" + path, options); tried[name] = a.type + " " + (await a.text()).length; }
  catch (error) { tried[name] = "refused"; }
}
function open_socket() {
  return new Promise(done => {
    const socket = new WebSocket("SERVER/api/events/out".replace("http", "ws"), "prefect");
    socket.onopen = () => { tried.socket = "open"; done(); };
    socket.onerror = () => { tried.socket = "refused"; done(); };
  });
}
(async () => {
  await ask("read", "READS", {});
  await ask("blind", "READS", {mode: "no-cors"});
  await ask("json", "CHANGES", {method: "POST", headers: {"Content-Type": "application/json"}, body: "BODY"});
  await ask("text", "CHANGES", {method: "POST", body: "BODY"});
  await ask("blind text", "CHANGES", {method: "POST", mode: "no-cors", body: "BODY"});
  await ask("blind empty", "CHANGES", {method: "POST", mode: "no-cors"});
  await open_socket();
  document.title = JSON.stringify(tried);
})();
</script>"""


@contextmanager
def serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """A server on a port of its own."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.mark.e2e
def test_a_foreign_page_reads_and_changes_nothing(studio: Any, servers: list[Server], page: Any) -> None:
    """From another origin on this machine, in a browser: no answer is readable, and what it asks changes nothing.

    It would delete all that is there: every flow run by name, and MLflow's first experiment.
    """
    deployment = studio.prefect("/deployments/name/denoise/digits-erasure")["id"]
    later = {"state": {"type": "SCHEDULED", "state_details": {"scheduled_time": "2999-01-01T00:00:00Z"}}}
    kept = studio.prefect(f"/deployments/{deployment}/create_flow_run", later)["id"]
    for server in servers:
        mlflow = "MLflow" in server.name
        changes = "/api/2.0/mlflow/experiments/delete" if mlflow else "/api/flow_runs/bulk_delete"
        body = {"experiment_id": "0"} if mlflow else {"flow_runs": {"name": {"like_": ""}}}
        text = FOREIGN.replace("READS", server.reads).replace("CHANGES", changes)
        text = text.replace("BODY", json.dumps(body).replace('"', '\\"'))
        with serving(_page_of(text.replace("SERVER", f"http://127.0.0.1:{server.port}"))) as port:
            for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}", f"http://{EVIL}:{port}"):
                page.goto(origin)
                page.wait_for_function("document.title.startsWith('{')")
                tried = json.loads(page.title())
                for blind in ("blind text", "blind empty"):  # a browser does not tell a page what came of it
                    assert tried.pop(blind) in ("opaque 0", "refused"), server.name
                assert tried.pop("blind") in ("opaque 0", "refused"), server.name
                assert set(tried.values()) == {"refused"}, server.name
                assert page.frames[1].evaluate("document.body ? document.body.innerText.length : 0") < 200
    assert studio.state(kept) == "Scheduled"
    assert servers[2].ask("GET", servers[2].reads, {"Host": "localhost"})[0] == 200


def _page_of(text: str) -> type[http.server.BaseHTTPRequestHandler]:
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None: ...

    return Page


@pytest.mark.e2e
def test_a_name_that_was_pointed_here_is_told_nothing(servers: list[Server], page: Any) -> None:
    """DNS rebinding: the page's own name leads to this machine."""
    for server in servers:
        answer = page.goto(f"http://{EVIL}:{server.port}/")
        assert answer.status == 403
        body = page.evaluate(f"fetch({server.reads!r}).then(found => found.text())")
        assert body.startswith("Host is ")


def _tunnel_to(port: int) -> type[socketserver.BaseRequestHandler]:
    """Hands bytes on to a port of this machine, as `ssh -L` does."""

    class Tunnel(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as far:
                threading.Thread(target=_pump, args=(far, self.request), daemon=True).start()
                _pump(self.request, far)

    return Tunnel


def _pump(source: socket.socket, to: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.mark.e2e
def test_the_own_pages_work_through_a_tunnel(studio: Any, servers: list[Server], page: Any) -> None:
    """Form, log lines and schedule of Prefect's page, and MLflow's page; both ask nobody but their own server.

    At 127.0.0.1 and localhost the tests of the pages do all that.
    """
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    deployment = studio.prefect("/deployments/name/denoise/digits-erasure")["id"]
    with serving(_tunnel_to(servers[0].port)) as prefect, serving(_tunnel_to(servers[2].port)) as mlflow:
        page.goto(f"http://localhost:{prefect}/deployments/deployment/{deployment}/run")
        page.get_by_role("button", name="Submit").click()
        page.get_by_text("scheduled to").first.wait_for()
        soon = {"flow_runs": {"expected_start_time": {"before_": "2900-01-01T00:00:00Z"}}}
        (run, *_) = studio.prefect("/flow_runs/filter", {**soon, "sort": "EXPECTED_START_TIME_DESC", "limit": 1})
        page.goto(f"http://localhost:{prefect}/deployments/deployment/{deployment}")
        page.get_by_role("button", name="Schedule", exact=True).click()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Deployment schedule updated").first.wait_for()
        assert studio.prefect(f"/deployments/{deployment}/schedules")[0]["schedule"]["interval"] == 3600
        page.goto(f"http://localhost:{prefect}/runs/flow-run/{run['id']}")
        page.get_by_text("daecore.progress").first.wait_for()
        page.goto(f"http://localhost:{mlflow}/#/experiments")
        page.get_by_role("link", name="digits", exact=True).first.wait_for()
        page.goto("about:blank")
    assert asked - {""} == {f"localhost:{prefect}", f"localhost:{mlflow}"}
