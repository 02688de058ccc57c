"""Amounts in whole FCFA (XOF has no decimals), written so that they survive an SMS."""

from __future__ import annotations


def francs(amount_xof: int) -> str:
    """``5000`` -> ``5 000 F``, with ASCII spaces: a no-break space would turn an SMS of 160 characters into 70."""
    return f"{amount_xof:,}".replace(",", " ") + " F"
