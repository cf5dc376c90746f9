"""A contract a vehicle shows over ISO 15118 (Plug & Charge), and what may be asked about its certificates."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Protocol, TypeAlias

from msgspec import Struct

from park.model.delivery import Delivery

MOST_OCSP = 4  # application note "Using ISO 15118 Plug & Charge with OCPP 1.6" §6.1.1: leaf and up to three authorities


class HashAlgorithm(Enum):
    """HashAlgorithmEnumType; values are the wire names."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"


class OcspRequest(Struct, frozen=True):
    """OCSPRequestDataType: what names a certificate to its responder. Hashes and serial number are hexadecimal."""

    hash_algorithm: HashAlgorithm
    issuer_name_hash: str
    issuer_key_hash: str
    serial_number: str
    responder_url: str


class Contract(Struct, frozen=True):
    """`certificate`: PEM chain, the vehicle's first; empty: not given. `ocsp`: of its certificates, at most four.

    `checked`: whoever speaks ISO 15118 has proved the signature of the vehicle, and the chain up to an installed root.
    """

    certificate: str = ""
    ocsp: tuple[OcspRequest, ...] = ()
    checked: bool = False


class ContractPresented(Struct, frozen=True):
    """Who speaks ISO 15118 at a charge point → authorizer, once a vehicle. Answered by `ShowFeedback` to `reader`.

    `reader`: its own name, as if it were a reader of that charge point. `emaid`: with or without hyphens.
    """

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    reader: str
    charge_point: str
    emaid: str
    contract: Contract


class CertificateAction(Enum):
    """CertificateActionEnumType; values are the wire names."""

    INSTALL = "Install"
    UPDATE = "Update"


class EvCertificateAnswered(Struct, frozen=True):
    """`exi`: base64 of the response for the vehicle; None: there is none, `reason` says why."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    exi: str | None
    reason: str = ""


class CertificateStatusAnswered(Struct, frozen=True):
    """`ocsp`: base64 of the DER of an OCSPResponse (RFC 6960); None: there is none, `reason` says why."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    ocsp: str | None
    reason: str = ""


class TakesEvCertificate(Protocol):
    def tell(self, message: EvCertificateAnswered, /) -> None: ...


class TakesCertificateStatus(Protocol):
    def tell(self, message: CertificateStatusAnswered, /) -> None: ...


class EvCertificateWanted(Struct, frozen=True):
    """Who speaks ISO 15118 → central system: a vehicle wants a contract certificate. `exi`: base64 of its request.

    `schema`: name space of the message definition of ISO 15118 that is spoken.
    """

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    schema: str
    action: CertificateAction
    exi: str
    reply_to: TakesEvCertificate


class CertificateStatusWanted(Struct, frozen=True):
    """Who speaks ISO 15118 → central system: is this certificate revoked."""

    delivery: ClassVar[Delivery] = Delivery.COMMAND

    request_id: str
    certificate: OcspRequest
    reply_to: TakesCertificateStatus


ContractQuestion: TypeAlias = EvCertificateWanted | CertificateStatusWanted
