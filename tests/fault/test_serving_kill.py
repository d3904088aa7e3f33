"""Readers of PostgreSQL while the publisher is killed and the server restarted: one version, always."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest

from mfg_assets.settings import PROJECT_ROOT
from tests.postgres import Server, postgres_server

HERE = Path(__file__).parent
ROWS = 300
READ = " union all ".join(
    f"select min(generation), max(generation), count(*), count(distinct k) from mfg.table_{n}" for n in range(4)
)
PUBLICATIONS = [pytest.param(8, id="some"), pytest.param(50, id="fifty", marks=pytest.mark.slow)]


class Reader(threading.Thread):
    """Reads all tables in one transaction, over and over, and keeps what was wrong."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.server, self.ended = server, threading.Event()
        self.reads, self.lost, self.wrong, self.seen = 0, 0, [], set()

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                with psycopg.connect(self.server.url, connect_timeout=5) as connection:
                    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                    while not self.ended.is_set():
                        # Four tables in four statements: a swap between them would show.
                        found = [row for part in READ.split(" union all ") for row in connection.execute(part.encode())]
                        connection.commit()
                        self._judge(found)
            except psycopg.OperationalError:
                self.lost += 1
                self.ended.wait(0.05)

    def _judge(self, found: list[tuple[int, int, int, int]]) -> None:
        self.reads += 1
        generations = {g for low, high, *_ in found for g in (low, high)}
        if len(generations) != 1 or {n for *_, rows, keys in found for n in (rows, keys)} != {ROWS}:
            self.wrong.append(found)
        self.seen |= generations


@pytest.mark.postgres
@pytest.mark.parametrize("publications", PUBLICATIONS)
def test_every_read_sees_one_version_whatever_is_killed_or_restarted(tmp_path: Path, publications: int) -> None:
    chance = random.Random(7)  # noqa: S311 - a test
    with (
        postgres_server() as server,
        subprocess.Popen(
            [sys.executable, str(HERE / "serving_process.py"), str(tmp_path / "home"), server.url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        ) as process,
    ):

        def order(text: str, *, answered: bool = True) -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            return process.stdout.readline().strip() if answered else ""

        def answer() -> str:
            assert process.stdout is not None
            return process.stdout.readline().strip()

        assert order("0 0").startswith("ended 0 after ")
        steps = int(order("0 1").split()[-2])
        assert steps > 30, "fewer steps than it should have: are they still counted?"
        readers = [Reader(server) for _ in range(2)]
        for reader in readers:
            reader.start()
        killed = restarted = 0
        for generation in range(2, publications + 2):
            if generation % 4 == 3:
                # The server goes away while a generation is served; the publisher tries again by itself.
                order(f"0 {generation}", answered=False)
                threading.Event().wait(chance.random())
                server.stop("immediate" if generation % 8 == 3 else "fast")
                server.start()
                restarted += 1
                assert answer().startswith("ended 0"), "the publisher gave up"
            elif generation % 2 == 0:
                killed += order(f"{chance.randrange(1, steps + 1)} {generation}") == "killed"
            else:
                assert order(f"0 {generation}").startswith("ended 0")
        last = publications + 1
        assert order(f"0 {last}").startswith("ended 0")
        for reader in readers:
            reader.ended.set()
        for reader in readers:
            reader.join(timeout=60)
        with psycopg.connect(server.url) as connection:
            final = connection.execute(READ.encode()).fetchall()
        process.kill()
    assert [reader.wrong for reader in readers] == [[], []]
    assert {row for row in final} == {(last, last, ROWS, ROWS)}
    assert killed > publications // 4
    assert restarted > 0
    assert all(reader.reads > publications for reader in readers)
    assert len(set.union(*(reader.seen for reader in readers))) > publications // 4
