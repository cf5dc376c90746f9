"""What this station asks the backend for Plug & Charge, and what it makes of the answers (application note §6)."""

from __future__ import annotations

import json

from msgspec import Struct
from pydantic import ValidationError

from park.model.access import BackendAuthorized, Verdict
from park.model.contract import (
    MOST_OCSP,
    CertificateStatusAnswered,
    CertificateStatusWanted,
    Contract,
    ContractQuestion,
    EvCertificateAnswered,
    EvCertificateWanted,
    OcspRequest,
    TakesCertificateStatus,
    TakesEvCertificate,
)
from park.ocpp.link import Payload
from park.ocpp.plug_and_charge.payloads import (
    CERTIFICATE_LENGTH,
    EXI_LENGTH,
    SCHEMA_LENGTH,
    VENDOR,
    Authorized,
    CertificateStatus,
    EvCertificate,
)
from park.ocpp.services import TransferFailed, TransferOutcome, TransferResult, TransferWanted
from park.ocpp.wire import instant, text_of

ACCEPTED = "Accepted"
THIS_TIME = Verdict.CONCURRENT_TX  # the one refusal that says nothing about the contract itself
OF_STATUS = {**{each.value: each for each in Verdict}, "Unknown": Verdict.INVALID, "NoCredit": Verdict.BLOCKED}
OF_CERTIFICATE = {
    "CertificateExpired": Verdict.EXPIRED,
    "CertificateRevoked": Verdict.BLOCKED,
    "ContractCancelled": Verdict.BLOCKED,
    "SignatureError": Verdict.INVALID,
    "CertChainError": Verdict.INVALID,
    "NoCertificateAvailable": Verdict.INVALID,
}
"""AuthorizeCertificateStatusEnumType, all but `Accepted`."""


def transfer(message: str, data: Payload) -> Payload:
    """DataTransfer.req of a message."""
    return {"vendorId": VENDOR, "messageId": message, "data": json.dumps(data, separators=(",", ":"))}


def sign_certificate(csr: str) -> Payload:
    """§6.8.1, as DataTransfer.req. `csr`: PEM."""
    return transfer("SignCertificate", {"csr": csr})


def may_ask(contract: Contract, *, central: bool) -> bool:
    """Whether the backend can judge it: who is not checked here is sent as a whole, where that is allowed (§6.1)."""
    if contract.checked:
        return True
    return central and 0 < len(contract.certificate) <= CERTIFICATE_LENGTH


def authorize(emaid: str, contract: Contract) -> Payload:
    """§6.1.1, as DataTransfer.req: the hashes where the chain was checked here, else the chain."""
    data: dict[str, object] = {"idToken": emaid}
    if not contract.checked:
        data["certificate"] = contract.certificate
    if contract.ocsp:
        data["iso15118CertificateHashData"] = [_ocsp(each) for each in contract.ocsp[:MOST_OCSP]]
    return transfer("Authorize", data)


def authorized(request_id: str, emaid: str, payload: Payload) -> BackendAuthorized:
    """§6.1.2. An answer nobody understands refuses for this time: it must not count as none, which might let in."""
    data = _accepted(payload)
    try:
        answer = Authorized.model_validate_json(data or "")
    except ValidationError:
        return BackendAuthorized(request_id, emaid, THIS_TIME)
    info = answer.id_token_info
    verdict = OF_STATUS.get(info.status, THIS_TIME)
    if verdict is Verdict.ACCEPTED and answer.certificate_status not in {None, ACCEPTED}:
        verdict = OF_CERTIFICATE.get(answer.certificate_status or "", THIS_TIME)
    parent = info.parent_id_tag or (info.group_id_token.id_token if info.group_id_token is not None else None)
    return BackendAuthorized(
        request_id, emaid, verdict, parent, instant(info.expiry_date or info.cache_expiry_date_time)
    )


def question(wanted: ContractQuestion) -> TransferWanted | str:
    """The DataTransfer of a question, or why it cannot be asked."""
    match wanted:
        case EvCertificateWanted():
            if not 0 < len(wanted.exi) <= EXI_LENGTH or len(wanted.schema) > SCHEMA_LENGTH:
                return f"OCPP carries 1 to {EXI_LENGTH} characters of EXI and {SCHEMA_LENGTH} of a schema"
            data = {
                "iso15118SchemaVersion": wanted.schema,
                "action": wanted.action.value,
                "exiRequest": wanted.exi,
            }
            return _wanted(wanted.request_id, "Get15118EVCertificate", data, _EvCertificateReply(wanted.reply_to))
        case CertificateStatusWanted():
            data = {"ocspRequestData": _ocsp(wanted.certificate)}
            reply = _CertificateStatusReply(wanted.reply_to)
            return _wanted(wanted.request_id, "GetCertificateStatus", data, reply)


def refused(wanted: ContractQuestion, why: str) -> TransferFailed:
    """What a question gets that is not asked."""
    return TransferFailed(wanted.request_id, why)


def reply_of(wanted: ContractQuestion) -> _EvCertificateReply | _CertificateStatusReply:
    """Who hears of it."""
    if isinstance(wanted, EvCertificateWanted):
        return _EvCertificateReply(wanted.reply_to)
    return _CertificateStatusReply(wanted.reply_to)


def _wanted(
    request_id: str, message: str, data: Payload, reply_to: _EvCertificateReply | _CertificateStatusReply
) -> TransferWanted:
    return TransferWanted(request_id, VENDOR, message, json.dumps(data, separators=(",", ":")), reply_to)


class _EvCertificateReply(Struct, frozen=True):
    """Makes the answer to Get15118EVCertificate of that to the DataTransfer."""

    reply_to: TakesEvCertificate

    def tell(self, message: TransferOutcome, /) -> None:
        exi, reason = None, _why(message)
        if isinstance(message, TransferResult) and not reason:
            try:
                answer = EvCertificate.model_validate_json(message.data or "")
                exi = answer.exi_response if answer.status == ACCEPTED and answer.exi_response else None
                reason = "" if exi else "the backend could not process the vehicle's request"
            except ValidationError:
                reason = "the backend's answer breaks its schema"
        self.reply_to.tell(EvCertificateAnswered(message.request_id, exi, reason))


class _CertificateStatusReply(Struct, frozen=True):
    """Makes the answer to GetCertificateStatus of that to the DataTransfer."""

    reply_to: TakesCertificateStatus

    def tell(self, message: TransferOutcome, /) -> None:
        found, reason = None, _why(message)
        if isinstance(message, TransferResult) and not reason:
            try:
                answer = CertificateStatus.model_validate_json(message.data or "")
                found = answer.ocsp_result if answer.status == ACCEPTED and answer.ocsp_result else None
                reason = "" if found else "the backend got no status of the certificate"
            except ValidationError:
                reason = "the backend's answer breaks its schema"
        self.reply_to.tell(CertificateStatusAnswered(message.request_id, found, reason))


def _why(outcome: TransferOutcome) -> str:
    """Why there is no answer to be read; empty: there is one."""
    if isinstance(outcome, TransferFailed):
        return outcome.reason
    return "" if outcome.status == ACCEPTED else f"the backend answered {outcome.status}"


def _accepted(payload: Payload) -> str | None:
    return text_of(payload, "data") if text_of(payload, "status") == ACCEPTED else None


def _ocsp(request: OcspRequest) -> dict[str, str]:
    return {
        "hashAlgorithm": request.hash_algorithm.value,
        "issuerNameHash": request.issuer_name_hash,
        "issuerKeyHash": request.issuer_key_hash,
        "serialNumber": request.serial_number,
        "responderURL": request.responder_url,
    }
