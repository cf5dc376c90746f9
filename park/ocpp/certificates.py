"""The certificate messages of the white paper: the maintenance edge has the files; here is what the backend hears."""

from __future__ import annotations

from msgspec.structs import replace

from park.model.time import Now
from park.ocpp.connecting import change
from park.ocpp.features.plug_and_charge import wrapped
from park.ocpp.keeping import Turn, secured
from park.ocpp.link import BackendCalled, SendResult
from park.ocpp.maintenance import AskCertificates, CertificatesAnswered
from park.ocpp.security import INVALID_STATION_CERTIFICATE, RECONFIGURED
from park.ocpp.state import CentralSystem

ACTIONS = frozenset({"CertificateSigned", "DeleteCertificate", "GetInstalledCertificateIds", "InstallCertificate"})


def asked(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    """Whatever is asked of the files is answered by who has them."""
    return state, (AskCertificates(call.unique_id, call.action, call.payload, state.link or 0),)


def answered(state: CentralSystem, event: CertificatesAnswered, now: Now) -> Turn:
    """A new certificate of the station is shown on a new connection, after the answer (TC_074), with a way back."""
    result = SendResult(event.unique_id, event.action, event.payload, event.link)
    if event.v2g:
        result = SendResult(event.unique_id, "DataTransfer", wrapped(event.payload), event.link)
    connection = state.upkeep.connection
    if event.certificate and connection is not None:
        chosen = replace(connection.chosen, certificate=event.certificate)
        refused = replace(result, payload={"status": "Rejected"})
        return change(state, (result,), (refused,), chosen, event.reconfigured)
    kind, info = (INVALID_STATION_CERTIFICATE, event.refused) if event.refused else (RECONFIGURED, event.reconfigured)
    if not info:
        return state, (result,)
    state, effects = secured(state, kind, info, now)
    return state, (result, *effects)
