"""One use case a file: load, decide (core), at most one outside call, commit.

What goes into a lane, and from where:

- ``Received``: a shopper's message, put by ``receive.receive``. From the light page: channel ``web``, address
  ``web:<lane>`` for a page of an existing conversation or ``web:<id>`` for one begun at ``/s/<shop>``; it is put into
  the page's own lane (``lanes.resolve(tokens.page_lane(token))``) with ``receive.put_item``.
- ``Reported``: a provider's word on a message; its ``message_id`` names the lane.
- ``Command``: ``say`` (text), ``take_over``, ``release``, ``page_started`` (address: makes the record of a new web
  shopper whose page nonce is "0"), ``page_seen`` (the page is open: web is a road, what it showed is delivered),
  ``ask_again`` (a used or foreign link: greet on Telegram as usual), ``erase``.
"""
