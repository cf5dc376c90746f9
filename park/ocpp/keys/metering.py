"""Keys about readings: which, how often, in which message."""

from __future__ import annotations

from park.ocpp.keys.key import Key, KeyGroup, Kind, Scope, Steers, fact, switch

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Power.Offered",
    "Current.Import",
    "Current.Import.L1",
    "Current.Import.L2",
    "Current.Import.L3",
    "Current.Offered",
    "Voltage",
    "Voltage.L1",
    "Voltage.L2",
    "Voltage.L3",
    "Frequency",
)
SAMPLED_DEFAULT = "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Current.Offered,Voltage"
A_DAY = 86_400
OCMF, TRANSPARENCY_XML, AS_GIVEN = "0", "1", "2"  # B-394


def _measurands(name: str, default: str, source: str, about: str) -> Key:
    return Key(name, Kind.LIST, default, source, about, choices=MEASURANDS)


def _length(name: str, source: str) -> Key:
    return fact(name, Kind.NUMBER, str(len(MEASURANDS)), source, "Most items of that list.")


def _interval(name: str, default: str, source: str, about: str) -> Key:
    return Key(
        name,
        Kind.NUMBER,
        default,
        source,
        about,
        least=10,
        most=A_DAY,
        or_zero=True,
        scope=Scope.POINT,
        steers=Steers.POINT,
    )


GROUP = KeyGroup(
    "Core",
    "Meter values",
    (
        _interval(
            "MeterValueSampleInterval", "60", "§9.1.19, B-066", "Seconds between readings of a session; 0: none."
        ),
        switch(
            "OCPPViaLocalNetwork",
            "B-066",
            "The backend is near: MeterValueSampleInterval may be as short as 1 s.",
            on=False,
        ),
        Key(
            "MeterValueSampleMode",
            Kind.CHOICE,
            "WholeTransaction",
            "B-067",
            "When readings are taken: all the session, while the contactor is closed, while current flows.",
            choices=("WholeTransaction", "ContactorClosed", "CurrentFlow"),
            scope=Scope.POINT,
            steers=Steers.POINT,
        ),
        _interval(
            "ClockAlignedDataInterval",
            "0",
            "§9.1.5, B-068, B-125",
            "Seconds between readings aligned with the clock, from midnight UTC; 0: none.",
        ),
        Key(
            "ClockAlignedMeterRandomSendDelay",
            Kind.NUMBER,
            "0",
            "B-069",
            "Aligned readings are spread over so many seconds, each charge point at its own.",
            most=3_600,
            scope=Scope.POINT,
            steers=Steers.POINT,
        ),
        _measurands("MeterValuesSampledData", SAMPLED_DEFAULT, "§9.1.17, B-071", "What a reading of a session tells."),
        _length("MeterValuesSampledDataMaxLength", "§9.1.18"),
        _measurands("MeterValuesAlignedData", SAMPLED_DEFAULT, "§9.1.15, B-070", "What an aligned reading tells."),
        _length("MeterValuesAlignedDataMaxLength", "§9.1.16"),
        _measurands(
            "StopTxnSampledData", "", "§9.1.27, B-072", "What StopTransaction repeats of the session's readings."
        ),
        _length("StopTxnSampledDataMaxLength", "§9.1.28"),
        _measurands(
            "StopTxnAlignedData", "", "§9.1.25, B-072", "What StopTransaction repeats of the aligned readings."
        ),
        _length("StopTxnAlignedDataMaxLength", "§9.1.26"),
        Key(
            "SignedDataFormat",
            Kind.CHOICE,
            OCMF,
            "B-394",
            "How StopTransaction tells what a meter signed at begin and end: 0: OCMF; 1: XML of the transparency "
            "software, with the meter's key; 2: as the meter gave it. The meters known here give OCMF.",
            choices=(OCMF, TRANSPARENCY_XML, AS_GIVEN),
        ),
        switch(
            "sendMeterPublicKeyOnBootNotification",
            "B-216",
            "After each BootNotification the keys of meters that sign are told by DataTransfer, again until the "
            "backend answers.",
            on=True,
        ),
        switch(
            "CurrentOfferedIsSum",
            "B-218",
            "Current.Offered is the sum of the phases; else of one phase, as the pilot says.",
            on=False,
        ),
    ),
)
