"""The API's documentation, offline: the machine-readable document, one page for people, one page a problem type."""
