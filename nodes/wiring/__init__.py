"""Who tells whom: the composition of a node's actors, by its role."""

from nodes.wiring.client import Client, ClientBoard, ClientEdges, wire_client
from nodes.wiring.enrolment import declare_enrolment
from nodes.wiring.hardware import Eyes, Hardware, Roles
from nodes.wiring.park import Board, Edges, Park, RemoteBoard, wire

__all__ = [
    "Board",
    "Client",
    "ClientBoard",
    "ClientEdges",
    "Edges",
    "Eyes",
    "Hardware",
    "Park",
    "RemoteBoard",
    "Roles",
    "declare_enrolment",
    "wire",
    "wire_client",
]
