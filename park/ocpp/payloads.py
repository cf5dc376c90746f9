"""Payloads of transaction messages as the keys want them: which measurands, and what StopTransaction repeats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from park.model.session import ReadingContext, SessionEnded, SessionMetered
from park.ocpp import messages
from park.ocpp.keys import KeyValues
from park.ocpp.link import Payload
from park.ocpp.sampled import Manner, sampled
from park.ocpp.signed import signed_values
from park.ocpp.wire import iso

SAMPLED, ALIGNED = "MeterValuesSampledData", "MeterValuesAlignedData"
STOP_SAMPLED, STOP_ALIGNED = "StopTxnSampledData", "StopTxnAlignedData"


class Payloads(Struct, frozen=True):
    """`phases`: of each connector. `kept`: readings of a session that its StopTransaction repeats."""

    values: KeyValues
    phases: Mapping[int, int] = field(default_factory=dict[int, int])
    kept: Mapping[str, Iterable[SessionMetered]] = field(default_factory=dict[str, Iterable[SessionMetered]])

    def manner(self, connector: int, key: str) -> Manner:
        """How a list of measurands is told of a connector."""
        is_sum = self.values.switch("CurrentOfferedIsSum")
        return Manner(self.values.items(key), self.phases.get(connector, 3), is_sum)

    def reading(self, fact: SessionMetered, transaction: int) -> Payload | None:
        """MeterValues.req; None when nothing is wanted: there is nothing to send."""
        key = ALIGNED if fact.context is ReadingContext.SAMPLE_CLOCK else SAMPLED
        return messages.meter_values(fact, transaction, self.manner(fact.connector, key))

    def stop(self, fact: SessionEnded, transaction: int) -> Payload:
        """StopTransaction.req, with the readings it repeats (B-072: both keys take effect) and what was signed."""
        repeated: list[Payload] = []
        for reading in self.kept.get(fact.session, ()):
            manner = self.manner(reading.connector, stop_key(reading.context))
            values = sampled(reading.sample, reading.offered_ma, reading.context.value, manner)
            values += signed_values(reading, transaction, self.values.text("SignedDataFormat"))
            if values:
                repeated.append({"timestamp": iso(reading.at), "sampledValue": values})
        payload = messages.stop_transaction(fact, transaction)
        return {**payload, "transactionData": repeated} if repeated else payload


def stop_key(context: ReadingContext) -> str:
    """The key that says what StopTransaction repeats of such a reading."""
    return STOP_ALIGNED if context is ReadingContext.SAMPLE_CLOCK else STOP_SAMPLED
