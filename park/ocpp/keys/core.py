"""Keys of OCPP 1.6 §9.1 about the station and its messages."""

from __future__ import annotations

from park.ocpp.keys.key import Alias, Key, KeyGroup, Kind, fact, switch

GROUP = KeyGroup(
    "Core",
    "Messages and the station",
    (
        fact("NumberOfConnectors", Kind.NUMBER, "0", "§9.1.21", "Connectors of this identity."),
        fact(
            "GetConfigurationMaxKeys",
            Kind.NUMBER,
            "100",
            "§9.1.9; larger than B-208, told truthfully",
            "Most keys in one GetConfiguration.",
        ),
        Key(
            "HeartbeatInterval",
            Kind.NUMBER,
            "600",
            "§9.1.10, B-124, B-206, B-207",
            "Seconds without a message before a Heartbeat; 0: none. Set by each answer to a boot, never kept.",
            most=65_234,
        ),
        switch(
            "ForceHeartbeatRequestMessages",
            "B-013",
            "Heartbeats are sent beside other messages too.",
            on=False,
        ),
        Key(
            "MessageResponseTimeOut",
            Kind.NUMBER,
            "30",
            "B-008, B-121",
            "Seconds to wait for an answer of the backend.",
            least=3,
            most=300,
            aliases=(Alias("BackendConnectionTimeout"),),
        ),
        Key(
            "MinimumStatusDuration",
            Kind.NUMBER,
            "0",
            "§9.1.20",
            "Seconds a status has to last before it is told.",
            most=3_600,
        ),
        Key(
            "StatusNotificationInterval",
            Kind.NUMBER,
            "0",
            "B-203; chargebyte: 10",
            "Seconds between two StatusNotifications of a connector; what changed meanwhile is told as it is then.",
            most=3_600,
        ),
        Key(
            "StatusNotificationQueueLevel",
            Kind.NUMBER,
            "0",
            "B-015; Bender: 70",
            "While so many transaction messages wait, no StatusNotification is sent; 0: they are always sent.",
        ),
        Key(
            "OcppQueueCapacity",
            Kind.NUMBER,
            "0",
            "B-014, B-016, B-199; Bender: 350, chargebyte: 336",
            "When so many transaction messages wait, new sessions are refused, nothing is lost; 0: the disk's space.",
        ),
        switch(
            "OcppQueueFullAsErrorState",
            "B-017, B-018, B-020",
            "A full queue is told as an error of every connector; else new sessions are refused without one.",
            on=False,
        ),
        # 5 × 60 s bounds what a message the backend cannot digest holds up: 10 minutes of waiting and 5 timeouts.
        # Unlimited (0) would hold up every later transaction for ever, fewer would give a backend no time to recover.
        Key(
            "TransactionMessageAttempts",
            Kind.NUMBER,
            "5",
            "§9.1.31, B-023, B-122",
            "Attempts of a transaction message before its transaction is a dead letter; 0: no end.",
            most=10,
        ),
        Key(
            "TransactionMessageRetryInterval",
            Kind.NUMBER,
            "60",
            "§9.1.32, B-026, B-123",
            "Seconds before the next attempt, times the attempts so far.",
            most=1_000,
        ),
        switch(
            "RetransmitMeterValues",
            "B-031, B-032",
            "Readings of a transaction are repeated like its start and stop; else dropped after one attempt.",
            on=True,
        ),
        switch(
            "OcppGetConfBoolIsInt",
            "B-043",
            "GetConfiguration tells booleans as 0 and 1; both forms are always understood.",
            on=False,
        ),
        switch(
            "AllowLongOcppGetConfKeys",
            "B-042",
            "GetConfiguration tells values of more than 500 characters whole, against the schema.",
            on=False,
        ),
        Key(
            "ResetScope",
            Kind.CHOICE,
            "Park",
            "design",
            "A Reset restarts the park, or is refused while another board charges.",
            choices=("Park", "RejectedWhileOthersCharge"),
        ),
        fact(
            "ResetRetries",
            Kind.NUMBER,
            "0",
            "§9.1.22, chargebyte's table",
            "A reset is a restart of the program and is not tried again.",
        ),
    ),
)
