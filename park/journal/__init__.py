"""The durable outbox of session facts: recorded once, offered until taken, kept until delivered."""
