"""The part of a virtual meter that signs: OCMF under a key of its own, a new record each time one is read.

The format is that of S.A.F.E., Open Charge Metering Format 1.0: `OCMF|payload|signature`, the signature over the
characters of the payload. The key follows from the meter's name, so that the bench has the same after a restart; no
real meter would do that.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from park.metering.decoding import encode_text
from park.metering.register_map import SigningPlaces

_ALGORITHM = "ECDSA-secp256r1-SHA256"  # OCMF 1.0, table of signature algorithms
_IMPORT = "1-b:1.8.0"  # OBIS, as OCMF writes it: import register of a billing meter


class Signer:
    """Signs the register of one meter. `pages`: records made since it was switched on."""

    def __init__(self, name: str, places: SigningPlaces) -> None:
        self._name, self._places = name, places
        self._private = ec.derive_private_key(int.from_bytes(sha256(name.encode()).digest()[:31]) + 1, ec.SECP256R1())
        self.pages = 0

    @property
    def key(self) -> str:
        """The public key, hexadecimal DER."""
        public = self._private.public_key()
        return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex().upper()

    def record(self, energy_wh: int, at: datetime) -> str:
        """A signed statement of the import register."""
        self.pages += 1
        payload = json.dumps(
            {
                "FV": "1.0",
                "GI": "chargepark bench",
                "PG": f"F{self.pages}",
                "MV": "chargepark",
                "MM": "virtual-signing",
                "MS": self._name,
                "RD": [
                    {
                        "TM": f"{at:%Y-%m-%dT%H:%M:%S},{at.microsecond // 1000:03d}+0000 U",
                        "RV": energy_wh / 1000,
                        "RI": _IMPORT,
                        "RU": "kWh",
                        "ST": "G",
                    }
                ],
            },
            separators=(",", ":"),
        )
        signature = self._private.sign(payload.encode(), ec.ECDSA(hashes.SHA256()))
        return f'OCMF|{payload}|{{"SA":"{_ALGORITHM}","SD":"{signature.hex().upper()}"}}'

    def registers(self, address: int, energy_wh: int) -> dict[int, int]:
        """What changes when a read begins at this register: the first of the record makes a new one."""
        if address == self._places.record.address:
            return encode_text(self._places.record, self.record(energy_wh, datetime.now(UTC)))
        return encode_text(self._places.key, self.key) if address == self._places.key.address else {}

    @property
    def blocks(self) -> tuple[tuple[int, int], ...]:
        """Registers it adds to its meter's: first, and how many."""
        places = (self._places.record, self._places.key)
        return tuple((place.address, 1 + (place.most + 1) // 2) for place in places)
