"""Secrets are planted wherever one may stand, and looked for wherever something is said or kept."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import traceback
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import pytest
from builders import a_journal, an_event
from conftest import HANG_SECONDS, run_command
from security.planted import SECRETS, plant

from lineage_bridge.adapters.guest import Guest
from lineage_bridge.errors import ArtifactError, SettingsError
from lineage_bridge.observe.quarantine import rejected
from lineage_bridge.settings import load_settings
from lineage_bridge.share.queue import ForwardQueue

PASSWORD, KEY, READER, WRITER, IN_FILE = (
    f"hunter2{name}%/w" for name in ("password", "key", "reader", "writer", "file")
)
MAIN = (
    "import logging; logging.basicConfig(level=1); from lineage_bridge.cli.main import main; main()"
)


class Repeating(BaseHTTPRequestHandler):
    """A proxy before a Marquez that refuses, and repeats all that it was sent."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        scheme, _, sent = self.headers.get("Authorization", "").partition(" ")
        login = b64decode(sent).decode() if scheme == "Basic" else sent
        body = f"no. {self.path} {login} {self.headers}".encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_DELETE = do_POST  # noqa: N815 # the base class's names

    def log_message(self, *_):
        pass


@contextmanager
def a_proxy(status: int) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Repeating)
    server.status = status
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def said(tmp_path, monkeypatch, caplog):
    """Run commands as users do, with every log line; keep what they say."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("MARQUEZ_", "LINEAGE_BRIDGE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("LINEAGE_BRIDGE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LINEAGE_BRIDGE_TRACEBACK", "1")
    caplog.set_level(1)
    return Said(caplog)


class Said:
    def __init__(self, caplog):
        self.texts: dict[str, str] = {}
        self._caplog = caplog

    def by(self, *args: str) -> int:
        self._caplog.clear()
        done = run_command(*args)
        self.texts[" ".join(args)] = done.out + done.err + self._caplog.text
        return done.code

    @contextmanager
    def serving(self, *args: str) -> Iterator[dict[str, str]]:
        """Let a command serve; give the URLs that it printed."""
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines, urls = [], {}
        for line in process.stdout:
            lines.append(line)
            if found := re.match(r"(\w[\w ]*):\s+(http\S+)", line):
                urls[found[1]] = found[2]
            if "Ctrl-C" in line:
                break
        try:
            yield urls
            self.texts["ps"] = _command_lines(process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            rest, errors = process.communicate(timeout=HANG_SECONDS)
            self.texts[" ".join(args)] = "".join(lines) + rest + errors


def _command_lines(of: int) -> str:
    """What `ps` shows of a process and of those that it started; nothing where it is missing."""
    if shutil.which("ps") is None:
        return ""
    listed = ["ps", "axww", "-o", "pid=,ppid=,args="]
    shown = subprocess.run(listed, capture_output=True, check=True).stdout.decode(errors="replace")
    lines = [line.split(maxsplit=2) for line in shown.splitlines()]
    family = [line for line in lines if str(of) in line[:2]]
    assert len(family) > 1
    return "\n".join(line[-1] for line in family)


def kept(home: Path) -> dict[str, str]:
    """The bytes of every file, of databases those in the log beside them too."""
    files = [path for path in home.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes().decode("latin-1") for path in files}


def found(secrets: set[str], texts: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (place, text[max(0, text.find(secret) - 80) :][:200])
        for place, text in texts.items()
        for secret in secrets
        if secret in text
    ]


def spellings(*secrets: str) -> set[str]:
    return {spelt for secret in secrets for spelt in (secret, quote(secret, safe=""))}


@pytest.mark.slow
def test_what_artifacts_hold_is_in_no_output_no_event_and_no_database(said, tmp_path, monkeypatch):
    plant(tmp_path / "artifacts")
    home, node = tmp_path / "home", "dataset:default:models.m"
    with a_proxy(422) as port:
        monkeypatch.setenv("MARQUEZ_URL", f"http://127.0.0.1:{port}")
        assert said.by("backfill", "artifacts") == 1
        monkeypatch.delenv("MARQUEZ_URL")
    for command in (
        ["backfill", "artifacts", "--dry-run", "--json", "--home", "other"],
        ["doctor"],
        ["alias", "why", node],
        ["graph", "--json"],
        ["health", "--json", "--at", "2026-04-07T08:08:00Z"],
        ["freshness", "--json", "--at", "2026-04-07T08:08:00Z"],
        ["journal", "status"],
        ["journal", "dead", "--json"],
        ["journal", "verify"],
        ["journal", "export", "exported.ndjson"],
        ["exporter", "--once"],
    ):
        assert said.by(*command) in {0, 1}
    with said.serving("up", "--port", "0", "--exporter-port", "0") as urls:
        base = urls["Collector"].removesuffix("/api/v1/lineage")
        for path in ("/", "/health.json", "/api/v1/events/lineage", "/api/v1/jobs"):
            answer = httpx.get(f"{base}{path}", headers={"Accept": "*/*"})
            assert answer.status_code == 200
            said.texts[path] = answer.text
        said.texts["metrics"] = httpx.get(urls["Metrics"]).text

    said.texts["export"] = (tmp_path / "exported.ndjson").read_text()

    assert len(SECRETS) > 30
    with sqlite3.connect(home / "journal.db") as connection:
        assert connection.execute("SELECT count(*) FROM quarantine").fetchone()[0] >= 10
        bodies = connection.execute(
            "SELECT count(*), group_concat(CAST(body AS TEXT)) FROM events"
        ).fetchone()
    assert bodies[0] >= 10
    for word in ("db.example.com:5432/mobility", "databaseName=m", "version=3&X-Amz-Signature"):
        assert word in bodies[1]
    assert not found(SECRETS, said.texts)
    assert not found(SECRETS, kept(home))


@pytest.mark.parametrize(
    ("status", "code", "user"),
    [
        pytest.param(401, 3, "", id="key"),
        pytest.param(
            *(400, 1, f"bob:{quote(PASSWORD, safe='')}@"), id="login", marks=pytest.mark.slow
        ),
    ],
)
def test_what_is_set_is_in_no_output_and_no_database(
    said, tmp_path, monkeypatch, status, code, user
):
    a_journal(tmp_path / "home", [an_event("job", 1, outputs=["a"])]).close()
    monkeypatch.setenv("LINEAGE_BRIDGE_WRITE_KEYS", WRITER)
    with a_proxy(status) as port:
        (tmp_path / "lineage-bridge.toml").write_text(
            f'marquez_url = "http://{user}127.0.0.1:{port}/base"\nmarquez_api_key = "{KEY}"\n'
            f'[collector]\nread_keys = ["{READER}"]\nwrite_keys = ["{IN_FILE}"]\n'
        )
        assert said.by("journal", "forward") == code
        said.by("journal", "dead")
        said.by("journal", "status", "--json")
        said.by("exporter", "--once")
        with said.serving("up", "--port", "0", "--exporter-port", "0") as urls:
            for key in (READER, WRITER, IN_FILE, f"no{KEY}"):
                headers = {"Authorization": f"Bearer {key}", "Accept": "*/*"}
                for name in ("Index page", "Collector", "Metrics"):
                    for method in ("GET", "POST"):
                        answer = httpx.request(method, urls[name], headers=headers, content=b"{")
                        said.texts[f"{method} {name} {key[-8:]}"] = (
                            f"{answer.headers} {answer.text}"
                        )
            assert httpx.get(urls["Index page"], headers=headers).status_code == 401

    assert f"http://127.0.0.1:{port}/base" in said.texts["journal status --json"]
    secrets = spellings(PASSWORD, KEY, READER, WRITER, IN_FILE)
    assert not found(secrets, said.texts)
    assert not found(secrets, kept(tmp_path / "home"))


WRONG = [
    'marquez_url = "ftp://bob:{}@x"',
    'marquez_url = "bob:{}@host:5000"',
    'marquez_url = "//bob:{}@host"',
    'marquez_url = "http://host:5000/?token={}"',
    'marquez_url = "http://host:5000/#{}"',
    'marquez_url = "http://bob:{}"',
    'marquez_url = "http://bob:{}@"',
    'marquez_url = "http://bob:1/{}@host"',
    'marquez_url = "http://bob:a@{}@host"',
    'marquez_url = "http://bob:{} @host"',
    'marquez_url = "http://bob:{}@host:port"',
    'marquez_url = "http://bob:{}@[host"',
    'marquez_url = "http://bob:{}\\\\@host"',
    'marquez_url = ["http://bob:{}@host"]',
    'marquez_url = "{}"',
    'marquez_api_key = ["{}"]',
    'marquez_api_key = {{ of = "{}" }}',
    'marquez_api_key = "{}\\n"',
    'marquez_api_key = "ü{}"',
    "marquez_api_key = {}",
    'marquez_api_key = "{}',
    'marquez_apikey = "{}"',
    '[marquez]\napi_key = "{}"',
    'collector = "{}"',
    'collector = ["{}"]',
    '[collector]\nread_keys = {{ a = "{}" }}',
    '[collector]\nread_keys = ["{}", 5]',
    '[collector]\nwrite_keys = [["{}"]]',
    '[collector]\nwrite_keys = ["{}"]\ntls_key = "k.pem"',
    '[collector]\nwrite_keys = ["{}"]\nadmin_port = -1',
    '[collector]\nadmin_port = "{}"',
    '[collector]\nwrite_key = "{}"',
    'namespace = "postgres://bob:{}@host/db"',
    'namespace = "postgres://bob:{}@host/ d"',
    'source_table = "postgres://bob:{}@host/db"',
    'environment = "password={}"',
    '[stores]\n"postgres://bob:{}@host/db" = "x"',
    '[stores]\nx = "postgres://bob:{}@host/db"',
    '[stores]\n"postgres://bob:{}@host/db" = 5',
    '[live]\nsvc = ["postgres://bob:{}@host public.t"]',
    '[aliases.datasets]\n"https://host/d?token={}" = "features.a.b"',
    '[policies.freshness."https://bob:{}@host"]\nwarn_seconds = -1',
    '"https://bob:{}@host" = 1',
]


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_setting_is_refused_and_never_repeated(lb, tmp_path, monkeypatch, line):
    monkeypatch.setenv("LINEAGE_BRIDGE_TRACEBACK", "1")
    secret = "hunter2wrong"
    (tmp_path / "lineage-bridge.toml").write_text(line.format(secret))

    for command in (["journal", "status"], ["backfill", tmp_path], ["collector"]):
        result = lb(*command)
        assert result.code == 2, result.err
        assert "Traceback" in result.err
        assert "Error: " in result.err
        assert secret not in result.out + result.err
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, working_folder=tmp_path)
    assert secret not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("key", [404142, 4041.42, True])
@pytest.mark.parametrize("name", ["marquez_url", "marquez_api_key", "read_keys", "write_keys"])
def test_a_number_in_the_place_of_a_secret_is_not_repeated(lb, tmp_path, name, key):
    section = "" if name.startswith("marquez") else "[collector]\n"
    shown = str(key).lower()
    (tmp_path / "lineage-bridge.toml").write_text(f"{section}{name} = {shown}\n")

    result = lb("journal", "status")

    assert (result.code, f"{name}`" in result.err) == (2, True)
    assert shown not in result.err.replace(str(tmp_path), "")


@pytest.mark.parametrize(
    "args",
    [
        ["backfill", "postgres://bob:hunter2@host/db"],
        ["backfill", "--namespace", "postgres://bob:hunter2@host/db", "."],
        ["--config", "https://host/c.toml?token=hunter2", "health"],
        ["health", "postgres://bob:hunter2@host/db"],
        ["graph", "--node", "dataset:postgres://bob:hunter2@host:5432:t"],
        ["journal", "retry", "token=hunter2"],
        ["up", "--host", "http://bob:hunter2@host"],
        ["up", "--token=hunter2"],
    ],
)
def test_what_was_typed_is_repeated_without_its_secrets(lb, tmp_path, args):
    a_journal(tmp_path / "home", [an_event("job", 1, outputs=["a"])]).close()

    result = lb(*args)

    assert result.code == 2
    assert "hunter2" not in result.out + result.err


def test_what_an_earlier_version_let_into_the_journal_is_read_as_artifacts_are_today(lb, tmp_path):
    plant(tmp_path / "artifacts")
    assert lb("backfill", "artifacts/p2", "--home", "today").code == 1
    assert lb("journal", "export", "today.ndjson", "--home", "today").code == 0
    told = (tmp_path / "today.ndjson").read_text()
    former = told.replace("Signature=***", "Signature=hunter2").replace(
        "://db.", "://svc:hunter2@db."
    )
    (tmp_path / "former.ndjson").write_text(former)

    assert lb("journal", "import", "former.ndjson", "--home", "former").code == 0
    shown = lb("doctor", "--home", "former").out
    assert "Signature%3D%2A%2A%2A" in shown
    assert "hunter2" not in shown
    assert lb("backfill", "artifacts/p2", "--home", "former", "--json").json["events"] == 0


def test_an_adapter_that_fails_on_a_secret_does_not_tell_it():
    def read(_):
        raise ValueError("no number: 'postgres://bob:hunter2@host/db'")

    adapter = SimpleNamespace(api=1, name="g", title="G", version=1, read=read)
    with pytest.raises(ArtifactError) as caught:
        list(Guest(adapter, "package").read(None))
    kept = rejected("path", "g", caught.value)
    assert "no number: 'postgres://host/db'" in kept.reason


def test_settings_as_a_whole_show_none(tmp_path):
    environ = {
        "MARQUEZ_URL": f"http://bob:{quote(PASSWORD, safe='')}@host",
        "MARQUEZ_API_KEY": KEY,
        "LINEAGE_BRIDGE_READ_KEYS": READER,
        "LINEAGE_BRIDGE_WRITE_KEYS": WRITER,
    }
    settings = load_settings({}, environ, working_folder=tmp_path)

    texts = [repr(settings), str(settings), str(settings.model_dump()), settings.model_dump_json()]
    assert settings.marquez_api_key == KEY
    assert not found(spellings(PASSWORD, KEY, READER, WRITER), dict(enumerate(texts)))


def test_a_home_that_kept_a_key_in_a_url_shows_it_no_more(lb, tmp_path):
    with a_journal(tmp_path / "home", [an_event("job", 1, outputs=["a"])]) as journal:
        for url in ("http://host:5000", "http://other:5000"):
            ForwardQueue(journal, url).take_in()
        with journal.transaction() as tx:
            old = "http://other:5000/?token=hunter2", "http://other:5000"
            tx.connection.execute("UPDATE forward_targets SET url = ? WHERE url = ?", old)
            twin = ("http://host:5000?token=hunter2",)
            tx.connection.execute("INSERT INTO forward_targets (url) VALUES (?)", twin)
            tx.connection.execute("UPDATE forward_events SET state = 'dead', answer = 'no'")
            tx.connection.execute("DELETE FROM migrations WHERE name = 'public urls'")

    shown = [lb(*command) for command in (["journal", "status"], ["journal", "dead", "--json"])]
    assert "hunter2" not in "".join(result.out + result.err for result in shown)

    assert lb("journal", "retry", "--all", "--json").json == {"retried": 2, "dead": []}
    with closing(sqlite3.connect(tmp_path / "home" / "journal.db")) as connection:
        urls = {url for (url,) in connection.execute("SELECT url FROM forward_targets")}
    assert urls == {"http://host:5000", "http://other:5000"}
