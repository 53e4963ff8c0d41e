"""Speech recognition: weights, features, the recogniser, scoring.

This package knows nothing of HTTP or of traffic.
"""
