"""The light web page: the same conversation for a phone that has nothing but a browser."""
