"""Webhooks that go out: what may be called, how it is signed, and who sends it."""
