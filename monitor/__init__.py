"""What happened in production: events, figures over them, and decisions that follow.

This package knows nothing of models' insides or of HTTP.
"""
