"""What outlives Redis: shops, catalogue, customers, transcripts, orders, the feed of events, keys.

SQLite by default, PostgreSQL by address. It knows tables and transactions; no rule of the shop is decided here.
"""
