"""gRPC `ConfigurationAdmin`: configuration keys that people read and set while the node runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from actors.address import Address
from actors.messages import CentralSystemMessage
from nodes.bridge import ask
from nodes.rpc import configuration_pb2 as pb
from nodes.rpc.configuration_pb2_grpc import ConfigurationAdminServicer, add_ConfigurationAdminServicer_to_server
from park.model.access import AnswersCommand, CommandAnswer, Refused
from park.ocpp.orders import ChangeSetting, ListedSetting, ListSettings, SettingsListed, TakesSettings

ANSWER_SECONDS = 10.0  # ours: one commit of a disk that is nearly full
PERSON = "command line"  # told with each key it set
Context = grpc.aio.ServicerContext[Any, Any]


def configuration_service(central: Address[CentralSystemMessage]) -> Callable[[grpc.aio.Server], None]:
    """For `AdminServer`."""

    def add(server: grpc.aio.Server) -> None:
        add_ConfigurationAdminServicer_to_server(ConfigurationAdminService(central), server)

    return add


class ConfigurationAdminService(ConfigurationAdminServicer):
    def __init__(self, central: Address[CentralSystemMessage]) -> None:
        self._central = central

    async def GetKeys(self, request: pb.GetKeysRequest, context: Context) -> pb.KeyList:  # noqa: N802
        listed = await self._listed(request.names, context)
        return pb.KeyList(keys=map(_entry, listed.settings), unknown=listed.unknown)

    async def SetKey(self, request: pb.SetKeyRequest, context: Context) -> pb.KeySet:  # noqa: N802
        def order(reply: AnswersCommand) -> ChangeSetting:
            return ChangeSetting(_new_id(), request.name, request.value, PERSON, reply)

        try:
            answer: CommandAnswer = await ask(self._central, order, ANSWER_SECONDS)
        except TimeoutError:
            text = "the node did not answer in time; get the key to see whether it was set"
            await context.abort(grpc.StatusCode.UNAVAILABLE, text)
            raise
        if isinstance(answer, Refused):
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, answer.reason)
        listed = await self._listed((request.name,), context)
        return pb.KeySet(restart=any(setting.restart for setting in listed.settings))

    async def _listed(self, names: Sequence[str], context: Context) -> SettingsListed:
        def question(reply: TakesSettings) -> ListSettings:
            return ListSettings(_new_id(), tuple(names), reply)

        try:
            return await ask(self._central, question, ANSWER_SECONDS)
        except TimeoutError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the node is busy; ask again")
            raise


def _new_id() -> str:
    return uuid.uuid4().hex


def _entry(setting: ListedSetting) -> pb.KeyEntry:
    made = pb.KeyEntry(
        name=setting.name,
        value=setting.value,
        default=setting.default,
        access=setting.access,
        restart=setting.restart,
        by=setting.by,
        about=setting.about,
    )
    if setting.at is not None:
        stamp = Timestamp()
        stamp.FromDatetime(setting.at)
        made.at.CopyFrom(stamp)
    return made
