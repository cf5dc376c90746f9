"""Shows people on this machine what passed between the node and its backend (B-377)."""

from __future__ import annotations

from typing import Any

import grpc.aio

from nodes.ocpp.recent import RecentMessage, RecentMessages
from nodes.rpc import messages_pb2 as pb
from nodes.rpc.messages_pb2_grpc import BackendMessagesServicer

Context = grpc.aio.ServicerContext[Any, Any]


class MessageService(BackendMessagesServicer):
    def __init__(self, recent: RecentMessages) -> None:
        self._recent = recent

    async def ListMessages(self, request: pb.ListMessagesRequest, context: Context) -> pb.MessageList:  # noqa: ARG002, N802
        return pb.MessageList(messages=[_to_wire(each) for each in self._recent.newest()])


def _to_wire(message: RecentMessage) -> pb.BackendMessage:
    told = pb.BackendMessage(
        sent=message.sent,
        kind=message.kind,
        action=message.action,
        unique_id=message.unique_id,
        body=message.body,
        characters=message.characters,
    )
    told.at.FromDatetime(message.at)
    return told
