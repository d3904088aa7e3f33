"""Deliverers, and what follows when a receiver is away: waiting, leaving it alone, giving up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, text

from mfg_assets.estate.releases import HttpDelivery, ReleaseTarget, TableDelivery
from mfg_assets.ledger import Ledger
from mfg_assets.release import inspect, outbox
from mfg_assets.release.deliver import RefusedError, UnreachableError
from mfg_assets.release.deliver.folder import FolderDeliverer
from mfg_assets.release.deliver.http import HttpDeliverer, http_deliverer, signature
from mfg_assets.release.deliver.table import table_deliverer
from mfg_assets.release.inspect import MessageFilter
from mfg_assets.release.model import ReleaseError, Sent
from mfg_assets.release.render import render
from mfg_assets.release.send import send_due, wait
from tests.receiver import START, Receiver, as_received, at, wants

SECRET = "a secret of sufficient length"
V1 = "000001-aaaaaaaa"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


class Inbox:
    """A receiver on this machine that answers as it is told, then with 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                inbox.requests.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status = inbox.answers.pop(0) if inbox.answers else 200
                self.send_response(status)
                if status in (301, 302, 307, 308):
                    self.send_header("location", "/elsewhere")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                del format, args

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/inbox"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    running = Inbox()
    yield running
    running.close()


class Hands:
    """A deliverer that fails as it is told, and otherwise gives to a receiver; and a clock that stands still."""

    def __init__(self) -> None:
        self.receiver = Receiver()
        self.failures: list[Exception] = []
        self.tried: list[Sent] = []
        self.minutes = 0.0

    def deliver(self, sent: Sent) -> None:
        self.tried.append(sent)
        if self.failures:
            raise self.failures.pop(0)
        self.receiver.take(as_received(sent))

    def close(self) -> None:
        """Nothing is held."""

    def now(self) -> datetime:
        return at(self.minutes).at


def _target(**values: Any) -> ReleaseTarget:
    deliver = {"type": "folder", "path": "out"}
    return ReleaseTarget.model_validate({"id": "erp", "system": "erp", "deliver": deliver, **values})


def _sent(ledger: Ledger, objects: int = 1) -> list[Sent]:
    asked = [wants({"unit": ("EA", "KGM")}, key=str(100 + number)) for number in range(objects)]
    outbox.prepare(ledger, asked, V1, at(), ["erp"])
    return outbox.due(ledger, "erp", START, 100)


def _http(inbox: Inbox, **values: Any) -> HttpDeliverer:
    delivery = HttpDelivery(type="http", url=inbox.url, secret_env="X", **values)
    return HttpDeliverer(delivery, SecretStr(SECRET), lambda: START)


def test_a_folder_gets_whole_files_named_by_key_and_twice_is_once(ledger: Ledger, tmp_path: Path) -> None:
    sent = _sent(ledger)[0]
    deliverer = FolderDeliverer(tmp_path / "in" / "box", ("json", "b2mml", "csv"))
    for _ in range(2):
        deliverer.deliver(sent)
    found = {path.suffix: path for path in (tmp_path / "in" / "box").iterdir()}
    assert set(found) == {".json", ".xml", ".csv"}
    assert {path.stem for path in found.values()} == {f"000001-{sent.idempotency_key}"}
    assert found[".json"].read_bytes() == render(sent.payload, "json")


def test_a_folder_never_shows_half_a_file(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = _sent(ledger)[0]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnreachableError, match="No space left"):
        FolderDeliverer(tmp_path / "inbox", ("json",)).deliver(sent)
    assert list((tmp_path / "inbox").iterdir()) == []


def test_no_value_gets_into_a_path(ledger: Ledger, tmp_path: Path) -> None:
    asked = wants({"unit": ("EA", "KGM")}, key="../../escape\x00|/etc")
    outbox.prepare(ledger, [asked], V1, at(), ["erp"])
    FolderDeliverer(tmp_path / "a" / "inbox", ("json",)).deliver(outbox.due(ledger, "erp", START, 1)[0])
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path / "a" / "inbox"]


def test_http_posts_what_its_signature_covers(ledger: Ledger, inbox: Inbox) -> None:
    sent = _sent(ledger)[0]
    _http(inbox).deliver(sent)
    headers, body = inbox.requests[0]
    assert json.loads(body) == as_received(sent)
    assert headers["webhook-id"] == headers["idempotency-key"] == sent.idempotency_key
    assert headers["content-type"] == "application/json"
    signed = f"{sent.idempotency_key}.{int(START.timestamp())}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert signature("whsec_" + base64.b64encode(SECRET.encode()).decode(), "i", "1", b"x") == signature(
        SECRET, "i", "1", b"x"
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [
        *((status, RefusedError) for status in (400, 413, 422)),
        *((status, UnreachableError) for status in (302, 401, 404, 409, 429, 500, 503)),
    ],
)
def test_http_tells_refusals_from_trouble(ledger: Ledger, inbox: Inbox, status: int, error: type[Exception]) -> None:
    inbox.answers = [status]
    with pytest.raises(error, match=str(status)):
        _http(inbox).deliver(_sent(ledger)[0])
    assert len(inbox.requests) == 1, "no redirect is followed and nothing is repeated behind our back"


def test_http_that_does_not_answer_is_unreachable(ledger: Ledger, inbox: Inbox) -> None:
    deliverer = _http(inbox)
    inbox.close()
    with pytest.raises(UnreachableError, match="ConnectError") as failure:
        deliverer.deliver(_sent(ledger)[0])
    assert SECRET not in str(failure.value)
    inbox.__init__()  # for the fixture to close


def test_a_secret_has_to_be_there_and_long(monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = HttpDelivery(type="http", url="https://example.com", secret_env="MES_SECRET")
    monkeypatch.delenv("MES_SECRET", raising=False)
    with pytest.raises(ReleaseError, match=r"is not set.*MES_SECRET"):
        http_deliverer("mes", delivery)
    monkeypatch.setenv("MES_SECRET", "short")
    with pytest.raises(ReleaseError, match="shorter") as failure:
        http_deliverer("mes", delivery)
    assert "'short'" not in str(failure.value)


def test_a_table_gets_each_message_once(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'mes.sqlite'}"
    monkeypatch.setenv("MES_DB", url)
    delivery = TableDelivery(type="table", url_env="MES_DB")
    for _ in range(2):
        deliverer = table_deliverer("mes", delivery)
        for sent in _sent(ledger, 3):
            deliverer.deliver(sent)
        deliverer.close()
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("select object_key, sequence, message from mfg_release_inbox")).all()
    engine.dispose()
    assert sorted((row.object_key, row.sequence) for row in rows) == [("100", 1), ("101", 1), ("102", 1)]
    assert json.loads(rows[0].message)["object_key"] == rows[0].object_key


def test_a_table_that_cannot_be_reached_says_nothing_of_its_address(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MES_DB", f"sqlite:///{tmp_path / 'password-s3cret' / 'no' / 'folder'}")
    with pytest.raises(UnreachableError) as failure:
        table_deliverer("mes", TableDelivery(type="table", url_env="MES_DB")).deliver(_sent(ledger)[0])
    assert "s3cret" not in str(failure.value)
    monkeypatch.setenv("MES_DB", "no url")
    with pytest.raises(ReleaseError, match="is no URL"):
        table_deliverer("mes", TableDelivery(type="table", url_env="MES_DB"))


def test_a_failed_attempt_waits_longer_each_time_and_then_comes(ledger: Ledger) -> None:
    hands, target = Hands(), _target(retry_after="1m", breaker_failures=9)
    _sent(ledger)
    hands.failures = [UnreachableError("away")] * 3
    for minutes, tries in [(0, 1), (0.5, 1), (1, 2), (2, 2), (3, 3), (6, 3), (7, 4), (90, 4)]:
        hands.minutes = minutes
        send_due(ledger, target, hands, hands.now)
        assert len(hands.tried) == tries, minutes
    assert hands.receiver.held == {("item", "100", "unit"): "KGM"}
    assert [wait(timedelta(minutes=1), n) for n in (1, 2, 5, 40)] == [
        timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=16), timedelta(days=1)
    ]  # fmt: skip


def test_too_many_attempts_make_a_dead_letter_that_is_told_and_not_tried(ledger: Ledger) -> None:
    hands, target = Hands(), _target(max_attempts=2, breaker_failures=9)
    _sent(ledger)
    hands.failures = [UnreachableError("away")] * 9
    for hands.minutes in (0, 1, 100, 1000):
        send_due(ledger, target, hands, hands.now)
    dead = inspect.find(ledger, MessageFilter(states=("dead_letter",)))
    assert (len(hands.tried), [one["last_error"] for one in dead]) == (2, ["given up after 2 attempts: away"])
    _, _, events = inspect.show(ledger, dead[0]["idempotency_key"])
    assert [one["act"] for one in events] == ["prepared", "failed", "dead_letter"]


def test_a_refused_message_is_dead_at_once_and_holds_back_no_other(ledger: Ledger) -> None:
    hands = Hands()
    _sent(ledger, 3)
    hands.failures = [RefusedError("no such item")]
    done = send_due(ledger, _target(breaker_failures=1), hands, hands.now)
    assert (done.delivered, done.dead_letters, done.is_away) == (2, 1, False)


def test_a_receiver_that_is_away_is_left_alone_for_a_while(ledger: Ledger) -> None:
    hands, target = Hands(), _target(breaker_failures=3, breaker_pause="10m")
    _sent(ledger, 20)
    hands.failures = [UnreachableError("away")] * 4
    assert send_due(ledger, target, hands, hands.now).is_away
    assert len(hands.tried) == 3
    hands.minutes = 9
    assert send_due(ledger, target, hands, hands.now).is_away
    assert len(hands.tried) == 3, "nothing is tried while it is left alone"
    hands.minutes = 11
    assert send_due(ledger, target, hands, hands.now).is_away
    assert len(hands.tried) == 4, "one failure is enough after the pause"
    hands.minutes = 22
    assert send_due(ledger, target, hands, hands.now).delivered == 20
    assert outbox.breaker(ledger, "erp") == (0, None)
    untried = [one for one in inspect.find(ledger, MessageFilter()) if one["attempts"] == 1]
    assert len(untried) == 17, "what wasn't tried has no attempt on record"


def test_a_receiver_that_is_not_set_up_holds_back_no_other(tmp_path: Path, ledger: Ledger) -> None:
    from mfg_assets.release.run import send
    from mfg_assets.settings import Settings

    _sent(ledger)
    unset = _target(id="mes", deliver={"type": "http", "url": "https://example.com", "secret_env": "UNSET_XYZ"})
    passes, problems = send(Settings(home=tmp_path), ledger, [unset, _target()])
    assert passes["erp"].delivered == 1
    assert len(problems) == 1
    assert "UNSET_XYZ" in problems[0]
