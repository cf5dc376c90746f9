"""The backend link: one websocket that speaks OCPP 1.6J."""
