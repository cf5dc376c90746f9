"""The bench's meter that signs: an SDM630 with texts beside its values, which no real one has.

Source: ours (`nodes/virtual/signing.py`). A real meter of this kind has its own table and the same two texts: what it
signed, in OCMF (S.A.F.E., Open Charge Metering Format 1.0), and the public key that checks it.
"""

from __future__ import annotations

from msgspec.structs import replace

from park.metering.maps.eastron_sdm630 import EASTRON_SDM630
from park.metering.register_map import SigningPlaces, TextPlace

VIRTUAL_SIGNING = replace(
    EASTRON_SDM630,
    name="virtual-signing",
    source="the bench",
    signing=SigningPlaces(record=TextPlace(0x400, 640), key=TextPlace(0x600, 256)),
)
