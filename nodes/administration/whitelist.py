"""gRPC `WhitelistAdmin`: cards that people add, remove and teach while the node runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC
from typing import Any

import grpc
import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from actors.address import Address
from actors.messages import AuthorizerMessage
from nodes.bridge import ask
from nodes.rpc import whitelist_pb2 as pb
from nodes.rpc.whitelist_pb2_grpc import WhitelistAdminServicer, add_WhitelistAdminServicer_to_server
from park.authorization.id_tags import spelled
from park.authorization.messages import AddTag, ListTags, RemoveTag, TagsListed, TakesTags, Teach, TeachMode
from park.authorization.settings import WhitelistEntry
from park.model.access import AnswersCommand, CommandAnswer, Refused

ANSWER_SECONDS = 10.0  # ours: one commit of a disk that is nearly full
Context = grpc.aio.ServicerContext[Any, Any]


def whitelist_service(authorizer: Address[AuthorizerMessage]) -> Callable[[grpc.aio.Server], None]:
    """For `AdminServer`."""

    def add(server: grpc.aio.Server) -> None:
        add_WhitelistAdminServicer_to_server(WhitelistAdminService(authorizer), server)

    return add


class WhitelistAdminService(WhitelistAdminServicer):
    """Tags are spelled as readers spell them: `04:a1` is the card `04A1`."""

    def __init__(self, authorizer: Address[AuthorizerMessage]) -> None:
        self._authorizer = authorizer

    async def ListTags(self, request: pb.ListTagsRequest, context: Context) -> pb.TagList:  # noqa: ARG002, N802
        def question(reply: TakesTags) -> ListTags:
            return ListTags(_new_id(), reply)

        try:
            listed: TagsListed = await ask(self._authorizer, question, ANSWER_SECONDS)
        except TimeoutError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the node is busy; ask again")
            raise
        configured, taught = map(_entry, listed.configured), map(_entry, listed.taught)
        return pb.TagList(configured=configured, taught=taught)

    async def AddTag(self, request: pb.TagEntry, context: Context) -> pb.TagsChanged:  # noqa: N802
        expires = request.expires.ToDatetime(UTC) if request.HasField("expires") else None
        entry = WhitelistEntry(spelled(request.tag), request.name, expires, not request.blocked)
        return await self._order(context, lambda reply: AddTag(_new_id(), entry, reply))

    async def RemoveTag(self, request: pb.RemoveTagRequest, context: Context) -> pb.TagsChanged:  # noqa: N802
        return await self._order(context, lambda reply: RemoveTag(_new_id(), spelled(request.tag), reply))

    async def Teach(self, request: pb.TeachRequest, context: Context) -> pb.TagsChanged:  # noqa: ARG002, N802
        mode = TeachMode.OUT if request.out else TeachMode.IN
        self._authorizer.tell(Teach(request.reader or None, mode, request.seconds))
        return pb.TagsChanged()

    async def _order(self, context: Context, make: Callable[[AnswersCommand], AddTag | RemoveTag]) -> pb.TagsChanged:
        try:
            answer: CommandAnswer = await ask(self._authorizer, make, ANSWER_SECONDS)
        except TimeoutError:
            text = "the node did not answer in time; ask for the list to see whether it was done"
            await context.abort(grpc.StatusCode.UNAVAILABLE, text)
            raise
        if isinstance(answer, Refused):
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, answer.reason)
        return pb.TagsChanged()


def _new_id() -> str:
    return uuid.uuid4().hex


def _entry(entry: WhitelistEntry) -> pb.TagEntry:
    made = pb.TagEntry(tag=entry.tag, name=entry.name, blocked=not entry.allowed)
    if entry.expires is not None:
        stamp = Timestamp()
        stamp.FromDatetime(entry.expires)
        made.expires.CopyFrom(stamp)
    return made
