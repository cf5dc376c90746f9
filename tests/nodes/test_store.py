"""The SQLite store: what is answered is on disk, what is refused is not, and a foreign database is named as such."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.probe import Probe

from nodes.epochs import take_next
from nodes.store import FILE, LOG_BYTES, Store
from park.errors import StoreUnusable
from park.model.storage import Commit, Committed, Delete, LoadRows, Put, Row, RowsLoaded


def test_rows_come_back_in_the_order_of_their_keys(tmp_path: Path) -> None:
    store, probe = Store(tmp_path), Probe[object]()
    store.start()
    store.tell(Commit((Put("t", "2", "b"), Put("t", "1", "a"), Put("u", "1", "x")), 7, probe))
    probe.expect(Committed(7))
    store.tell(Commit((Delete("t", "2"),), 8, probe))
    store.tell(LoadRows(("t", "u"), probe))
    probe.expect(Committed(8))
    probe.expect(RowsLoaded((Row("t", "1", "a"), Row("u", "1", "x"))))
    store.stop()


def test_identities_and_epoch_outlive_the_process(tmp_path: Path) -> None:
    first = Store(tmp_path)
    identity, epoch = (first.journal_id, first.server_id), take_next(first)
    first.stop()
    second = Store(tmp_path)
    assert (second.journal_id, second.server_id) == identity
    assert take_next(second) == epoch + 1
    second.stop()


def test_a_database_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    Store(tmp_path).stop()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreUnusable, match=r"newer chargepark.*schema 99"):
        Store(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreUnusable, match="cannot be used"):
        Store(tmp_path)


def test_two_processes_never_share_a_database(tmp_path: Path) -> None:
    store = Store(tmp_path)
    code = f"from pathlib import Path; from nodes.store import Store; Store(Path({str(tmp_path)!r}))"
    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    store.stop()
    assert second.returncode != 0
    assert "another process uses this database" in second.stderr


def test_the_data_is_for_its_owner_only(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
    assert store.path.stat().st_mode & 0o077 == 0
    store.stop()


@pytest.mark.parametrize(("point", "survives"), [("before-persist", False), ("after-persist", True)])
def test_a_kill_around_the_commit_keeps_all_or_nothing(tmp_path: Path, point: str, survives: bool) -> None:
    code = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from nodes.store import Store\n"
        "from park.model.storage import Commit, Put\n"
        "class Wait:\n"
        "    def tell(self, message): pass\n"
        f"store = Store(Path({str(tmp_path)!r}))\n"
        "store.start()\n"
        "store.tell(Commit((Put('t', '1', 'a'), Put('t', '2', 'b')), 1, Wait()))\n"
        "threading.Event().wait(30)\n"
    )
    environment = {**os.environ, "CHARGEPARK_CRASH": point}
    run = subprocess.run([sys.executable, "-c", code], env=environment, timeout=60, check=False)
    assert run.returncode == -signal.SIGKILL
    store = Store(tmp_path)
    assert len(store.rows("t")) == (2 if survives else 0)
    store.stop()


def test_a_disk_that_refuses_at_the_start_is_named_with_a_remedy(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store._connection.execute("PRAGMA query_only = ON")  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(StoreUnusable, match="check the disk"):
        take_next(store)
    store.stop()


def test_the_log_has_its_room_from_the_start_and_commits_do_not_lengthen_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    log = tmp_path / f"{FILE}-wal"
    for number in range(600):
        assert log.stat().st_size == LOG_BYTES
        store.put_now(Put("t", str(number % 9), "x" * 500))
    store.stop()
    again = Store(tmp_path)
    assert len(again.rows("t")) == 9
    assert log.stat().st_size == LOG_BYTES
    again.stop()


def test_a_disk_without_room_for_the_log_goes_without(tmp_path: Path) -> None:
    code = (
        "import resource, signal\n"
        "from pathlib import Path\n"
        "from nodes.store import Store\n"
        "from park.model.storage import Put\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        f"store = Store(Path({str(tmp_path)!r}))\n"
        "store.put_now(Put('t', '1', 'a'))\n"
        f"assert Path({str(tmp_path / FILE)!r} + '-wal').stat().st_size < 200_000\n"
    )
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
    store = Store(tmp_path)
    assert store.rows("t") == (Row("t", "1", "a"),)
    store.stop()
