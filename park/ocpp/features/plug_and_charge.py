"""Plug & Charge by DataTransfer: the certificate messages of the backend, and questions of who speaks ISO 15118."""

from __future__ import annotations

from pydantic import ValidationError

from park.model.contract import ContractQuestion
from park.ocpp.features import local_services
from park.ocpp.features.feature import Turn
from park.ocpp.features.replies import answer, link_of, result
from park.ocpp.link import BackendCalled, Payload
from park.ocpp.maintenance import AskCertificates, MakeSigningRequest
from park.ocpp.plug_and_charge import asking
from park.ocpp.plug_and_charge.asking import transfer
from park.ocpp.plug_and_charge.payloads import REQUESTS, TriggerMessage
from park.ocpp.services import TransferDone
from park.ocpp.state import CentralSystem
from park.ocpp.wire import text_of

ENABLED = "ISO15118PnCEnabled"
CENTRAL = "CentralContractValidationAllowed"
OFF = f"Plug & Charge is off: set {ENABLED}"


def is_on(state: CentralSystem) -> bool:
    return state.values.switch(ENABLED)


def transferred(state: CentralSystem, call: BackendCalled) -> Turn:
    """A message of the backend. One that breaks its schema is rejected as a whole (application note §5)."""
    message = text_of(call.payload, "messageId") or ""
    model = REQUESTS.get(message)
    if model is None:
        return state, answer(state, call, "UnknownMessageId")
    try:
        request = model.model_validate_json(text_of(call.payload, "data") or "")
    except ValidationError:
        return state, answer(state, call, "Rejected")
    if isinstance(request, TriggerMessage):
        return _triggered(state, call)
    payload = request.model_dump(by_alias=True, exclude_none=True)
    return state, (AskCertificates(call.unique_id, message, payload, link_of(state), v2g=True),)


def _triggered(state: CentralSystem, call: BackendCalled) -> Turn:
    """A signing request names the operator (ISO 15118-2 annex F); without one there is none."""
    operator = state.values.text("CpoName")
    status = "Accepted" if operator else "Rejected"
    payload = wrapped({"status": status})
    told = result(call.unique_id, call.action, payload, state.link)
    return state, (*told, MakeSigningRequest(state.settings.identity, operator, v2g=True)) if operator else told


def wrapped(payload: Payload) -> Payload:
    """DataTransfer.conf of an answer."""
    return {"status": "Accepted", "data": transfer("", payload)["data"]}


def asked(state: CentralSystem, wanted: ContractQuestion) -> Turn:
    """A question of who speaks ISO 15118."""
    found = asking.question(wanted) if is_on(state) else OFF
    if isinstance(found, str):
        return state, (TransferDone(asking.reply_of(wanted), asking.refused(wanted, found)),)
    return local_services.told(state, found)
