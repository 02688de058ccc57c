"""Pure rules of Relais: what flows, who is reached where, what is known of channels. No I/O, no clock, no randomness.

Time is always passed in: Unix seconds (UTC) as ``float``. Money is whole FCFA (XOF) as ``int``.
"""
