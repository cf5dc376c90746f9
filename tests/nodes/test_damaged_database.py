"""Bits flip, files are cut short: the store opens, or says what is wrong and what to do; it never dies of it."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from nodes.store import FILE, Store
from park.errors import StoreUnusable
from park.model.storage import Put

SEED = 20_261_126
DAMAGES = 150
ROWS = 60
REMEDIES = ("check the disk", "install that version again")


def lived(directory: Path) -> None:
    """A database and a log that both hold rows, as a kill would leave them."""
    first = Store(directory)
    for number in range(ROWS):
        first.put_now(Put("t", f"{number:03}", f"{number}" * 300))
    first.stop()
    second = Store(directory)
    for number in range(ROWS // 3):
        second.put_now(Put("t", f"{number:03}", "again" * 50))
    for file in directory.iterdir():
        shutil.copy(file, directory.with_name("kept"))
    second.stop()


def damaged(body: bytes, draw: random.Random) -> bytes:
    """Anything from one bit to all of it."""
    spoilt = bytearray(body)
    match draw.randrange(4):
        case 0:
            for _ in range(draw.choice((1, 1, 8, 100))):
                spoilt[draw.randrange(len(spoilt))] ^= 1 << draw.randrange(8)
        case 1:
            del spoilt[draw.randrange(len(spoilt)) :]
        case 2:
            at = draw.randrange(len(spoilt))
            spoilt[at : at + 4096] = bytes(min(4096, len(spoilt) - at))
        case _:
            at = draw.randrange(len(spoilt))
            spoilt[at : at + 512] = draw.randbytes(min(512, len(spoilt) - at))
    return bytes(spoilt)


def test_a_damaged_database_opens_or_is_refused_with_a_remedy(record_property: Callable[[str, object], None]):
    draw, found = random.Random(SEED), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        alive, kept = Path(name) / "alive", Path(name) / "kept"
        alive.mkdir()
        kept.mkdir()
        lived(alive)
        for number in range(DAMAGES):
            place = Path(name) / str(number)
            shutil.copytree(kept, place)
            victim = place / draw.choice((FILE, FILE, f"{FILE}-wal"))
            victim.write_bytes(damaged(victim.read_bytes(), draw))
            found[opened(place)] += 1
            shutil.rmtree(place)
    assert set(found) == {"open", "refused"}
    assert min(found.values()) > DAMAGES / 50
    record_property(
        "figure", f"R17 damaged databases: {found['open']} opened, {found['refused']} refused with a remedy"
    )


def opened(place: Path) -> str:
    try:
        store = Store(place)
        try:
            store.rows("t")
        finally:
            store.stop()
    except StoreUnusable as error:
        return "refused" if any(word in str(error) for word in REMEDIES) else str(error)
    return "open"
