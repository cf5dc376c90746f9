"""The certificate messages of the white paper: the maintenance edge has the files; here is what the backend hears."""

from __future__ import annotations

from park.model.time import Now
from park.ocpp.effects import CentralSystemEffect
from park.ocpp.keeping import Turn, secured
from park.ocpp.link import BackendCalled, ResetLink, SendResult
from park.ocpp.maintenance import AskCertificates, CertificatesAnswered, MakeSigningRequest
from park.ocpp.security import INVALID_STATION_CERTIFICATE, RECONFIGURED
from park.ocpp.state import CentralSystem

ACTIONS = frozenset({"CertificateSigned", "DeleteCertificate", "GetInstalledCertificateIds", "InstallCertificate"})


def asked(state: CentralSystem, call: BackendCalled, _: Now) -> Turn:
    """Whatever is asked of the files is answered by who has them."""
    return state, (AskCertificates(call.unique_id, call.action, call.payload, state.link or 0),)


def answered(state: CentralSystem, event: CertificatesAnswered, now: Now) -> Turn:
    """The answer goes out before a new certificate makes a new connection (TC_074)."""
    result = SendResult(event.unique_id, event.action, event.payload, event.link)
    effects: tuple[CentralSystemEffect, ...] = (result,)
    if event.refused:
        state, more = secured(state, INVALID_STATION_CERTIFICATE, event.refused, now)
        effects += more
    if event.reconfigured:
        state, more = secured(state, RECONFIGURED, event.reconfigured, now)
        effects += more
    if event.connect_anew and state.link is not None:
        effects += (ResetLink(state.link, "connecting with the new certificate"),)
    return state, effects


def trigger_signing(state: CentralSystem) -> Turn:
    """ExtendedTriggerMessage SignChargePointCertificate: the request follows when it is made."""
    return state, (MakeSigningRequest(state.settings.identity),)
