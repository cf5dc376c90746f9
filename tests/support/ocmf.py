"""What a backend does with a signed reading: check the signature, then read the register it is about."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key


def checked_wh(record: str, key: str) -> int:
    """The register of a genuine OCMF record; raises InvalidSignature for any other."""
    header, payload, signature = record.split("|")
    assert header == "OCMF"
    signed: dict[str, str] = json.loads(signature)
    assert signed["SA"] == "ECDSA-secp256r1-SHA256"
    public = load_der_public_key(bytes.fromhex(key))
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(bytes.fromhex(signed["SD"]), payload.encode(), ec.ECDSA(hashes.SHA256()))
    (reading,) = json.loads(payload)["RD"]
    assert (reading["RU"], reading["ST"]) == ("kWh", "G")
    return round(reading["RV"] * 1000)


def from_xml(text: str) -> tuple[str, str]:
    """Record and key out of the container of the transparency software."""
    value = ET.fromstring(text).find("value")  # noqa: S314 - our own text
    assert value is not None
    return value.findtext("signedData") or "", value.findtext("publicKey") or ""


def signed_of(stop: dict[str, Any]) -> dict[str, str]:
    """The signed values of a StopTransaction by context."""
    values = [value for each in stop.get("transactionData", ()) for value in each["sampledValue"]]
    return {value["context"]: value["value"] for value in values if value.get("format") == "SignedData"}
