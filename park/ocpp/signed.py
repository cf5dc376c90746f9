"""What a meter signed, as a SampledValue of StopTransaction (OCPP 1.6 §7.43, §7.33: format SignedData)."""

from __future__ import annotations

from xml.sax.saxutils import escape

from park.model.metering import Signed
from park.model.session import SessionMetered
from park.ocpp.keys.metering import TRANSPARENCY_XML
from park.ocpp.link import Payload


def signed_values(reading: SessionMetered, transaction: int, form: str) -> list[Payload]:
    """One value, or none where nothing was signed. `form`: of the key SignedDataFormat (B-394)."""
    signed = reading.sample.signed
    if signed is None or not signed.record:
        return []
    context = reading.context.value
    text = transparency_xml(signed, context, transaction) if form == TRANSPARENCY_XML else signed.record
    return [{"value": text, "context": context, "format": "SignedData", "measurand": "Energy.Active.Import.Register"}]


def transparency_xml(signed: Signed, context: str, transaction: int) -> str:
    """The container that the transparency software of S.A.F.E. reads: record and key, unchanged."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<values><value transactionId="{transaction}" context="{context}">'
        f'<signedData format="OCMF" encoding="plain">{escape(signed.record)}</signedData>'
        f'<publicKey encoding="plain">{escape(signed.key)}</publicKey>'
        "</value></values>"
    )
