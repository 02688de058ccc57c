"""Commands of ``relais``, one file each; a file's ``register(subparsers)`` adds it."""
