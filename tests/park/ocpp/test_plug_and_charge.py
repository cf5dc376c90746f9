"""Plug & Charge by DataTransfer, both ways, as the application note of the Open Charge Alliance has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from park.model.access import AuthorizeWithBackend, BackendAuthorized, Verdict
from park.model.contract import (
    CertificateAction,
    CertificateStatusAnswered,
    CertificateStatusWanted,
    Contract,
    EvCertificateAnswered,
    EvCertificateWanted,
    HashAlgorithm,
    OcspRequest,
)
from park.ocpp.link import BackendCalled, SendResult
from park.ocpp.maintenance import (
    AskCertificates,
    CertificateExpires,
    CertificatesAnswered,
    MakeSigningRequest,
    SigningRequestMade,
)
from park.ocpp.plug_and_charge.payloads import CERTIFICATE_LENGTH, EXI_LENGTH, VENDOR
from park.ocpp.services import TransferDone
from tests.support.probe import Probe
from tests.support.station import Station

HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "01"}
OCSP = OcspRequest(HashAlgorithm.SHA256, "aa", "bb", "01", "http://ocsp.example")
ON = {"ISO15118PnCEnabled": "true"}
EMAID = "DE8AAC123456789"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
ASKED = {
    "CertificateSigned": {"certificateChain": PEM},
    "DeleteCertificate": {"certificateHashData": HASHES},
    "GetInstalledCertificateIds": {"certificateType": ["V2GRootCertificate", "V2GCertificateChain"]},
    "InstallCertificate": {"certificateType": "MORootCertificate", "certificate": PEM},
}


def transfer(message: str | None, data: object) -> dict[str, object]:
    payload: dict[str, object] = {"vendorId": VENDOR}
    if message is not None:
        payload["messageId"] = message
    return payload if data is None else {**payload, "data": data if isinstance(data, str) else json.dumps(data)}


def online(**keys: str) -> Station:
    station = Station({**ON, **keys}).online()
    station.clear()
    return station


def sent(station: Station) -> tuple[str, dict[str, Any]]:
    """The message of the newest DataTransfer, and what is in it."""
    call = station.sent[-1]
    assert (call.action, call.payload["vendorId"]) == ("DataTransfer", VENDOR)
    return str(call.payload["messageId"]), json.loads(str(call.payload["data"]))


def believed(station: Station, answer: object, status: str = "Accepted") -> list[Any]:
    """The backend answers the newest DataTransfer."""
    payload: dict[str, object] = {"status": status}
    return station.answer(payload if answer is None else {**payload, "data": json.dumps(answer)})


# ------------------------------------------------------------ asked by the backend


@pytest.mark.parametrize(("message", "data"), ASKED.items())
def test_a_certificate_message_is_carried_out_and_its_answer_goes_back_in_the_same_envelope(
    message: str, data: Mapping[str, object]
):
    station = online()
    station.tell(BackendCalled("b7", "DataTransfer", transfer(message, data)))
    (order,) = station.of(AskCertificates)
    assert (order.action, order.v2g) == (message, True)
    assert {name: order.payload[name] for name in data} == data
    found = station.tell(CertificatesAnswered("b7", message, {"status": "Accepted"}, order.link, v2g=True))
    (result,) = [each for each in found if isinstance(each, SendResult)]
    assert (result.unique_id, result.action) == ("b7", "DataTransfer")
    assert result.payload == {"status": "Accepted", "data": '{"status":"Accepted"}'}


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("CertificateSigned", None),
        ("CertificateSigned", "no JSON"),
        ("CertificateSigned", "[" * 5_000),
        ("CertificateSigned", {}),
        ("CertificateSigned", {"certificateChain": 5}),
        ("CertificateSigned", {"certificateChain": "x" * 10_001}),
        ("CertificateSigned", {"certificateChain": PEM, "certificateType": "ChargingStationCertificate"}),
        ("DeleteCertificate", {"certificateHashData": {**HASHES, "hashAlgorithm": "MD5"}}),
        ("DeleteCertificate", {"certificateHashData": {**HASHES, "serialNumber": "0" * 41}}),
        ("GetInstalledCertificateIds", {"certificateType": []}),
        ("GetInstalledCertificateIds", {"certificateType": ["CSMSRootCertificate"]}),
        ("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": PEM}),
        ("InstallCertificate", {**ASKED["InstallCertificate"], "more": 1}),
        ("InstallCertificate", {**ASKED["InstallCertificate"], "certificate": "x" * (CERTIFICATE_LENGTH + 1)}),
        ("TriggerMessage", {"requestedMessage": "Heartbeat"}),
    ],
)
def test_what_breaks_its_schema_is_rejected_and_not_carried_out(message: str, data: object):
    station = online(CpoName="ACME")
    assert station.ask("DataTransfer", transfer(message, data)) == {"status": "Rejected"}
    assert station.of(AskCertificates) == station.of(MakeSigningRequest) == []


@pytest.mark.parametrize("message", [None, "", "Authorize", "SignCertificate", "Dance"])
def test_a_message_that_is_not_the_backends_is_unknown(message: str | None):
    assert online().ask("DataTransfer", transfer(message, {})) == {"status": "UnknownMessageId"}


def test_while_it_is_off_nobody_knows_the_vendor():
    station = Station().online()
    for message, data in ASKED.items():
        assert station.ask("DataTransfer", transfer(message, data)) == {"status": "UnknownVendorId"}


def test_a_triggered_signing_request_names_the_operator_and_survives_an_outage():
    station = online(CpoName="ACME")
    trigger = transfer("TriggerMessage", {"requestedMessage": "SignV2GCertificate"})
    assert station.ask("DataTransfer", trigger) == {"status": "Accepted", "data": '{"status":"Accepted"}'}
    assert station.of(MakeSigningRequest) == [MakeSigningRequest("GARAGE", "ACME", v2g=True)]
    station.lose()
    station.tell(SigningRequestMade("csr", v2g=True))
    station.connect()
    assert sent(station) == ("SignCertificate", {"csr": "csr"})
    station.answer({"status": "UnknownVendorId"})
    assert station.state.upkeep.notifications.waiting == ()


def test_without_an_operator_there_is_no_signing_request():
    station = online()
    trigger = transfer("TriggerMessage", {"requestedMessage": "SignV2GCertificate"})
    assert json.loads(station.ask("DataTransfer", trigger)["data"]) == {"status": "Rejected"}
    station.tell(CertificateExpires(v2g=True))
    assert station.of(MakeSigningRequest) == []


def test_a_certificate_that_ends_soon_is_asked_for_anew_while_it_is_on():
    for keys, orders in ((ON, [MakeSigningRequest("GARAGE", "ACME", v2g=True)]), ({}, [])):
        station = Station({**keys, "CpoName": "ACME"}).online()
        station.tell(CertificateExpires(v2g=True))
        assert station.of(MakeSigningRequest) == orders


# ------------------------------------------------------------ a contract


def asked(station: Station, contract: Contract) -> list[BackendAuthorized]:
    station.tell(AuthorizeWithBackend("r1", EMAID, contract))
    return station.of(BackendAuthorized)


def test_a_contract_checked_here_is_sent_as_hashes():
    station = online()
    asked(station, Contract(PEM, (OCSP,), checked=True))
    hashes = [{**HASHES, "responderURL": "http://ocsp.example"}]
    assert sent(station) == ("Authorize", {"idToken": EMAID, "iso15118CertificateHashData": hashes})


def test_another_goes_as_a_whole_where_that_is_allowed_and_is_refused_for_this_time_else():
    allowed = online(CentralContractValidationAllowed="true")
    asked(allowed, Contract(PEM))
    assert sent(allowed) == ("Authorize", {"idToken": EMAID, "certificate": PEM})
    for station, contract in (
        (online(), Contract(PEM)),
        (online(CentralContractValidationAllowed="true"), Contract()),
        (online(CentralContractValidationAllowed="true"), Contract("x" * (CERTIFICATE_LENGTH + 1))),
    ):
        assert [each.verdict for each in asked(station, contract)] == [Verdict.CONCURRENT_TX]
        assert station.sent == []


@pytest.mark.parametrize(
    ("answer", "verdict", "parent"),
    [
        ({"idTokenInfo": {"status": "Accepted"}}, Verdict.ACCEPTED, None),
        ({"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "Accepted"}, Verdict.ACCEPTED, None),
        ({"idTokenInfo": {"status": "Accepted", "parentIdTag": "G"}}, Verdict.ACCEPTED, "G"),
        (
            {"idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": "G", "type": "Central"}}},
            Verdict.ACCEPTED,
            "G",
        ),
        ({"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "CertificateRevoked"}, Verdict.BLOCKED, None),
        ({"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "CertificateExpired"}, Verdict.EXPIRED, None),
        ({"idTokenInfo": {"status": "Accepted"}, "certificateStatus": "of tomorrow"}, Verdict.CONCURRENT_TX, None),
        ({"idTokenInfo": {"status": "Invalid"}, "certificateStatus": "Accepted"}, Verdict.INVALID, None),
        ({"idTokenInfo": {"status": "Unknown"}}, Verdict.INVALID, None),
        ({"idTokenInfo": {"status": "NotAtThisTime"}}, Verdict.CONCURRENT_TX, None),
        ({"certificateStatus": "Accepted"}, Verdict.CONCURRENT_TX, None),
        ([], Verdict.CONCURRENT_TX, None),
        (None, Verdict.CONCURRENT_TX, None),
    ],
)
def test_only_an_answer_that_accepts_contract_and_certificate_lets_in(
    answer: object, verdict: Verdict, parent: str | None
):
    station = online()
    asked(station, Contract(checked=True))
    believed(station, answer)
    (told,) = station.of(BackendAuthorized)
    assert (told.request_id, told.id_tag, told.verdict, told.parent_tag) == ("r1", EMAID, verdict, parent)


@pytest.mark.parametrize("status", ["Rejected", "UnknownVendorId", "UnknownMessageId"])
def test_a_backend_that_knows_no_contracts_lets_nobody_in(status: str):
    station = online()
    asked(station, Contract(checked=True))
    believed(station, {"idTokenInfo": {"status": "Accepted"}}, status)
    assert [each.verdict for each in station.of(BackendAuthorized)] == [Verdict.CONCURRENT_TX]


# ------------------------------------------------------------ questions of who speaks ISO 15118


def heard(station: Station) -> None:
    for effect in station.of(TransferDone):
        effect.give()


def test_a_vehicles_request_for_a_contract_goes_to_the_backend_and_its_answer_back():
    station, vehicle = online(), Probe[EvCertificateAnswered]()
    station.tell(EvCertificateWanted("q1", "urn:iso:15118:2:2013:MsgDef", CertificateAction.INSTALL, "gAI=", vehicle))
    assert sent(station) == (
        "Get15118EVCertificate",
        {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "gAI="},
    )
    believed(station, {"status": "Accepted", "exiResponse": "gAM="})
    heard(station)
    assert vehicle.messages == [EvCertificateAnswered("q1", "gAM=")]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"status": "Failed", "exiResponse": ""}, "Accepted"),
        ({"status": "Accepted", "exiResponse": ""}, "Accepted"),
        ({"status": "Accepted", "exiResponse": "no base64!"}, "Accepted"),
        ({"exiResponse": "gAM="}, "Accepted"),
        (None, "Accepted"),
        ({"status": "Accepted", "exiResponse": "gAM="}, "Rejected"),
    ],
)
def test_no_answer_that_can_be_used_is_none_with_its_reason(answer: object, status: str):
    station, vehicle = online(), Probe[EvCertificateAnswered]()
    station.tell(EvCertificateWanted("q1", "urn", CertificateAction.UPDATE, "gAI=", vehicle))
    believed(station, answer, status)
    heard(station)
    (told,) = vehicle.messages
    assert told.exi is None
    assert told.reason


def test_the_status_of_a_certificate_is_asked_for():
    station, peer = online(), Probe[CertificateStatusAnswered]()
    for answer in ({"status": "Accepted", "ocspResult": "MIIB"}, {"status": "Failed"}):
        station.tell(CertificateStatusWanted("q2", OCSP, peer))
        wanted = {"ocspRequestData": {**HASHES, "responderURL": "http://ocsp.example"}}
        assert sent(station) == ("GetCertificateStatus", wanted)
        believed(station, answer)
        heard(station)
        station.clear()
    assert [each.ocsp for each in peer.messages] == ["MIIB", None]


@pytest.mark.parametrize("why", ["off", "offline", "too long"])
def test_what_cannot_be_asked_is_answered_at_once(why: str):
    station = Station({} if why == "off" else ON).online()
    station.clear()
    if why == "offline":
        station.lose()
    exi = "A" * (EXI_LENGTH + 1) if why == "too long" else "gAI="
    vehicle = Probe[EvCertificateAnswered]()
    station.tell(EvCertificateWanted("q1", "urn", CertificateAction.INSTALL, exi, vehicle))
    heard(station)
    assert [each.exi for each in vehicle.messages] == [None]
    assert "DataTransfer" not in station.actions()
