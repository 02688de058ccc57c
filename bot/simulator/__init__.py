"""A local stand-in for Twilio, Telegram and the shoppers' phones.

It behaves as the providers' published specifications say, never as Relais would like, and therefore imports
nothing of Relais: what passes against it passes for the right reason.
"""
