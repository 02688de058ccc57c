"""What runs inside Rasa's interpreter (Python 3.10): whole turns over HTTP, each answered once or not at all.

It knows Rasa and Redis, and nothing of the gateway: no module of ``bot`` outside this package is imported here.
"""
