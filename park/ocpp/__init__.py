"""The charge point's side of OCPP 1.6J: the durable transaction queue, configuration keys and the central system."""
