"""Starts, watches, restarts and stops the processes of one Relais, and leaves none behind."""
