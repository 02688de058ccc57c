"""The vendor's console under ``/console``: server-rendered pages, one file a page, live through one event stream."""
