"""How readers of the known makers behave, each setting of which a file may override.

| preset       | same card ends the session | needs a vehicle first | a card before the vehicle | source              |
|--------------|----------------------------|-----------------------|---------------------------|---------------------|
| `default`    | yes                        | no                    | shared: is ignored        | B-274, B-280        |
| `chargebyte` | alone yes, shared no       | alone no, shared yes  | shared: is ignored        | B-272, B-280        |
| `charx`      | yes                        | no                    | waits for one             | B-353, B-385, B-393 |
| `greenflux`  | yes                        | no                    | waits for one             | ConnectionTimeOut   |
| `bender`     | yes                        | no                    | waits for one             | B-057, B-059        |

Shared: the reader serves more than one charge point. A reader of a single one hands a card that comes before the
vehicle to its charge point, which waits for the plug, whatever the preset.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Preset(Enum):
    """Whose behaviour a reader has."""

    DEFAULT = "default"
    CHARGEBYTE = "chargebyte"
    CHARX = "charx"
    GREENFLUX = "greenflux"
    BENDER = "bender"


class Behaviour(Struct, frozen=True):
    """`remembers`: a shared reader keeps a card for the next vehicle, as long as a charge point waits for a plug."""

    stop_with_card: bool = True
    needs_vehicle: bool = False
    remembers: bool = False


_SHARED = {
    Preset.DEFAULT: Behaviour(),
    Preset.CHARGEBYTE: Behaviour(stop_with_card=False, needs_vehicle=True),  # B-272: required of both boards
    Preset.CHARX: Behaviour(remembers=True),  # B-353
    Preset.GREENFLUX: Behaviour(remembers=True),  # ConnectionTimeOut: from authorization to plug-in
    Preset.BENDER: Behaviour(remembers=True),  # B-057
}


def behaviour(preset: Preset, *, shared: bool) -> Behaviour:
    """What a preset stands for, for a reader of one charge point or of several."""
    return _SHARED[preset] if shared else Behaviour()
