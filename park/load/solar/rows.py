"""A mode on disk: it holds on after a restart, as limits do (see `limit_rows`).

What the operator said without a label and without an end is the bare mode under the name of the circuit: so a version
that knew nothing else reads it.
"""

from __future__ import annotations

import json
from typing import cast

from park.load.solar.modes import Voice, Word
from park.model.limit import LimitKind
from park.model.solar import OPERATOR, SolarMode
from park.model.storage import Row

SOLAR_TABLE = "solar"
_UNNAMED: Voice = (LimitKind.OPERATOR, OPERATOR)


def row_key(circuit: str, voice: Voice) -> str:
    return circuit if voice == _UNNAMED else json.dumps([circuit, voice[0].value, voice[1]], ensure_ascii=False)


def row_body(word: Word, boot: str) -> str:
    """`boot`: of the machine whose monotonic clock its end is on."""
    if word.seconds is None:
        return json.dumps(word.mode.value)
    body = {"mode": word.mode.value, "seconds": word.seconds, "until": word.until, "boot": boot}
    return json.dumps(body, separators=(",", ":"))


def word_of(row: Row, boot: str, now: float) -> tuple[str, Word]:
    """The circuit, and what was said of it; raises ValueError, KeyError or TypeError for what is none.

    After a restart of the machine nobody knows how long it was off: the whole validity counts anew.
    """
    circuit, (kind, source) = row.key, _UNNAMED
    if row.key.startswith("["):
        circuit, name, source = cast("list[str]", json.loads(row.key))
        kind = LimitKind(name)
    body: object = json.loads(row.body)
    if not isinstance(body, dict):
        return circuit, Word(kind, source, SolarMode(body))
    known = cast("dict[str, object]", body)
    mode, seconds = SolarMode(known["mode"]), float(cast("float", known["seconds"]))
    if boot and known["boot"] == boot:
        until = min(float(cast("float", known["until"])), now + seconds)
        return circuit, Word(kind, source, mode, until, seconds)
    return circuit, Word(kind, source, mode, now + seconds, seconds, unsure=True)
