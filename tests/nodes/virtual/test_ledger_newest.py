"""The newest starts and stops of the backend's ledger, as the demo shows them."""

from pathlib import Path

from nodes.virtual.ledger import Ledger

START = {"connectorId": 2, "idTag": "04AA", "timestamp": "2026-11-20T22:00:00Z", "meterStart": 7}


def test_starts_and_stops_come_newest_first_without_readings(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    number = ledger.start("2026-11-20T22:00:01Z", "DEMO", "a", START)
    ledger.record("2026-11-20T22:00:02Z", "DEMO", "MeterValues", "b", {"transactionId": number, "meterValue": []})
    ledger.record("2026-11-20T22:00:03Z", "DEMO", "StopTransaction", "c", {"transactionId": number, "meterStop": 9})
    both, one = ledger.newest(10), ledger.newest(1)
    ledger.close()

    assert [(entry.action, entry.transaction_id) for entry in both] == [
        ("StopTransaction", number),
        ("StartTransaction", number),
    ]
    assert both[1].payload["meterStart"] == 7
    assert one == both[:1]
