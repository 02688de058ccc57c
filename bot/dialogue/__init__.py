"""Understanding and dialogue: Rasa behind one port. Also imported by Rasa's own, older interpreter: keep it empty."""
