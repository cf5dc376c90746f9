"""What is in the `data` of a DataTransfer of Plug & Charge: one JSON object a message, by the application note §6.

Nothing that breaks its schema is carried out or believed. `idToken` is a text as the note has it (identifierString),
not the object of OCPP 2.0.1.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

VENDOR = "org.openchargealliance.iso15118pnc"  # §5
CHAIN_LENGTH = 10_000  # §6.2.1
CERTIFICATE_LENGTH = 5_500  # §6.1.1, §6.7.1
EXI_LENGTH = 5_600  # §6.4.1
SCHEMA_LENGTH = 50  # §6.4.1
HASH_LENGTH, SERIAL_LENGTH, URL_LENGTH = 128, 40, 512  # OCSPRequestDataType

Hash: TypeAlias = Annotated[str, StringConstraints(max_length=HASH_LENGTH)]
Base64: TypeAlias = Annotated[str, StringConstraints(max_length=EXI_LENGTH, pattern=r"^[A-Za-z0-9+/]*={0,2}$")]
RootUse: TypeAlias = Literal["V2GRootCertificate", "MORootCertificate"]
CertificateUse: TypeAlias = Literal["V2GRootCertificate", "MORootCertificate", "V2GCertificateChain"]


class Payload(BaseModel):
    """Members have the note's names; others are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class HashData(Payload):
    """CertificateHashDataType."""

    hash_algorithm: Literal["SHA256", "SHA384", "SHA512"]
    issuer_name_hash: Hash
    issuer_key_hash: Hash
    serial_number: Annotated[str, StringConstraints(max_length=SERIAL_LENGTH)]


# ------------------------------------------------------------ asked by the backend


class CertificateSigned(Payload):
    """§6.2.1. The chain of the station's own V2G certificate, leaf first."""

    certificate_chain: Annotated[str, StringConstraints(max_length=CHAIN_LENGTH)]
    certificate_type: Literal["V2GCertificate"] = "V2GCertificate"


class DeleteCertificate(Payload):
    """§6.3.1."""

    certificate_hash_data: HashData


class GetInstalledCertificateIds(Payload):
    """§6.6.1. Without types all are meant."""

    certificate_type: Annotated[list[CertificateUse], Field(min_length=1)] | None = None


class InstallCertificate(Payload):
    """§6.7.1."""

    certificate_type: RootUse
    certificate: Annotated[str, StringConstraints(max_length=CERTIFICATE_LENGTH)]


class TriggerMessage(Payload):
    """§6.9.1. The one message there is to trigger."""

    requested_message: Literal["SignV2GCertificate"]


REQUESTS: dict[str, type[Payload]] = {
    model.__name__: model
    for model in (CertificateSigned, DeleteCertificate, GetInstalledCertificateIds, InstallCertificate, TriggerMessage)
}
"""By messageId, what a backend may send."""


# ------------------------------------------------------------ answered by the backend


class GroupToken(BaseModel):
    """IdTokenType of a backend that answers in the words of OCPP 2.0.1."""

    id_token: str = Field(alias="idToken")


class IdTokenInfo(BaseModel):
    """IdTagInfo of OCPP 1.6, or IdTokenInfoType of 2.0.1: what else is in it says nothing about the permission."""

    model_config = ConfigDict(alias_generator=to_camel)

    status: str
    expiry_date: str | None = None
    cache_expiry_date_time: str | None = None
    parent_id_tag: str | None = None
    group_id_token: GroupToken | None = None


class Authorized(BaseModel):
    """§6.1.2."""

    model_config = ConfigDict(alias_generator=to_camel)

    id_token_info: IdTokenInfo
    certificate_status: str | None = None


class EvCertificate(BaseModel):
    """§6.4.2."""

    model_config = ConfigDict(alias_generator=to_camel)

    status: Literal["Accepted", "Failed"]
    exi_response: Base64 = ""


class CertificateStatus(BaseModel):
    """§6.5.2."""

    model_config = ConfigDict(alias_generator=to_camel)

    status: Literal["Accepted", "Failed"]
    ocsp_result: Base64 | None = None
