"""The public side: webhooks in, the light page, REST, docs and health. It puts into lanes; it never sends."""
