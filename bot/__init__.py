"""Relais: a storefront that lives in chat and keeps selling when the chat platform does not."""
