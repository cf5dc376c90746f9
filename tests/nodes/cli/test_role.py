"""`chargepark role` over real files and real stores: nothing of a session is lost on the way to another role."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from support.cli import Finished, chargepark
from support.facts import ended, metered, started

from nodes.store import Store
from nodes.toml_text import toml_text
from park.journal.codec import Entry, entry_body, entry_of, key_of_number
from park.journal.journal import TABLE
from park.model.session import FactId, SessionFact
from park.model.storage import Put
from park.ocpp.rows import Entry as Queued
from park.ocpp.rows import Rows, Transaction

EXAMPLES = Path(__file__).parents[3] / "examples"


def example(folder: Path, role: str, *, backend: bool = True) -> Path:
    """The example of a role, with a data_dir of its own."""
    document = tomllib.loads((EXAMPLES / f"{role}.toml").read_text(encoding="utf-8"))
    document["node"]["data_dir"] = str(folder / "rows")
    if not backend:
        del document["backend"]
        document["authorization"] |= {"mode": "whitelist"}
    file = folder / "node.toml"
    file.write_text(toml_text(document), encoding="utf-8")
    return file


def journal(folder: Path, *facts: SessionFact, delivered: bool = True) -> None:
    store = Store(folder / "rows")
    for number, fact in enumerate(facts, start=1):
        body = entry_body(Entry(FactId(store.journal_id, number), fact, delivered))
        store.put_now(Put(TABLE, key_of_number(number), body))
    store.stop()


def undelivered(folder: Path) -> list[str]:
    store = Store(folder / "rows")
    entries = [entry_of(store.journal_id, row.key, row.body) for row in store.rows(TABLE)]
    store.stop()
    return [f"{entry.fact.session}/{entry.fact.ordinal}" for entry in entries if not entry.delivered]


def role(file: Path, *rest: str) -> Finished:
    return chargepark("role", str(file), *rest)


def test_a_role_is_shown(tmp_path: Path):
    assert role(example(tmp_path, "single")).stdout.splitlines()[0] == "garage-1 is a single"
    assert "joins park carpark" in role(example(tmp_path, "client")).stdout


def test_a_single_board_joins_a_park(tmp_path: Path):
    file = example(tmp_path, "single")
    before = file.read_text(encoding="utf-8")
    done = role(file, "client", "--park", "carpark", "--server", "192.0.2.1:7070", "--write")
    assert done.returncode == 0, done.stderr
    made = tomllib.loads(file.read_text(encoding="utf-8"))
    assert made["node"]["role"] == "client"
    assert made["server"] == {"park": "carpark", "address": "192.0.2.1:7070"}
    assert not {"park", "backend", "circuit", "load"} & set(made)
    assert chargepark("check", str(file)).returncode == 0
    assert (tmp_path / "node.toml.bak").read_text(encoding="utf-8") == before
    assert '[[placement]]\ncharge_point = "garage-1/cp1"\nconnector = 1\n' in done.stdout


def test_without_write_the_file_stays_and_a_new_one_lies_beside_it(tmp_path: Path):
    file = example(tmp_path, "single")
    before = file.read_text(encoding="utf-8")
    assert role(file, "server").returncode == 0
    assert file.read_text(encoding="utf-8") == before
    assert chargepark("check", str(tmp_path / "node.server.toml")).returncode == 0


def test_what_the_new_role_lacks_is_said_with_the_name_of_the_new_file(tmp_path: Path):
    file = example(tmp_path, "client")
    done = role(file, "single", "--park", "garage", "--write")
    assert done.returncode == 2
    assert "node.single.toml: circuit: is missing" in done.stderr
    assert tomllib.loads(file.read_text(encoding="utf-8"))["node"]["role"] == "client"


@pytest.mark.parametrize("kind", ["single", "server"])
def test_nobody_becomes_a_client_with_facts_the_backend_has_not_got(tmp_path: Path, kind: str):
    file = example(tmp_path, kind)
    store = Store(tmp_path / "rows")
    rows = Rows("GARAGE")
    store.put_now(
        rows.put_entry(Queued(1, FactId("j", 2), ended(ordinal=1))), rows.put_transaction(Transaction(started(), 7))
    )
    store.stop()
    refused = role(file, "client", "--park", "p", "--write")
    assert refused.returncode == 1
    assert "1 session fact is not at the backend yet, 1 session is open" in refused.stderr
    assert tomllib.loads(file.read_text(encoding="utf-8"))["node"]["role"] == kind


def test_an_open_session_of_a_board_with_a_backend_is_ended_first(tmp_path: Path):
    journal(tmp_path, started(), metered())
    refused = role(example(tmp_path, "single"), "client", "--park", "p", "--write")
    assert (refused.returncode, "1 session is open" in refused.stderr) == (1, True)


def test_an_open_session_no_backend_knows_goes_to_the_server_whole(tmp_path: Path):
    over = (started("s0", "cp2"), ended("s0", 1, "cp2"))
    journal(tmp_path, *over, started(), metered())
    file = example(tmp_path, "single", backend=False)
    assert role(file, "client", "--park", "p").returncode == 0
    assert undelivered(tmp_path) == []  # only tried
    done = role(file, "client", "--park", "p", "--write")
    assert done.returncode == 0, done.stderr
    assert undelivered(tmp_path) == ["s1/0", "s1/1"]


def test_a_client_keeps_its_role_until_its_server_has_delivered_all(tmp_path: Path):
    journal(tmp_path, started(), ended(ordinal=1), delivered=False)
    file = example(tmp_path, "client")
    refused = role(file, "server", "--park", "p")
    assert refused.returncode == 1
    assert "2 session facts are not delivered by the server yet, 0 sessions are open" in refused.stderr


def test_a_single_board_that_becomes_a_server_keeps_everything(tmp_path: Path):
    journal(tmp_path, started(), metered(), delivered=False)
    file = example(tmp_path, "single")
    done = role(file, "server", "--write")
    assert done.returncode == 0, done.stderr
    before, after = (tomllib.loads(each.read_text(encoding="utf-8")) for each in (tmp_path / "node.toml.bak", file))
    assert all(after[key] == before[key] for key in ("charge_point", "circuit", "backend", "park", "meter"))
    assert undelivered(tmp_path) == ["s1/0", "s1/1"]


def test_a_node_that_runs_is_left_alone(tmp_path: Path):
    file = example(tmp_path, "single")
    store = Store(tmp_path / "rows")
    refused = role(file, "server", "--write")
    store.stop()
    assert refused.returncode == 1
    assert "another process uses this database" in refused.stderr


def test_a_document_is_written_as_it_is_read():
    document = {
        "node": {"name": 'a "quoted" \\ ü\n', "ports": [1, 2.5, True], "none": []},
        "authorization": {"whitelist": [{"tag": "04A1", "allowed": False}]},
        "charge_point": [{"name": "cp1"}, {"name": "cp2", "amps": 6}],
    }
    assert tomllib.loads(toml_text(document)) == document
