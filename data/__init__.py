"""Records, errors, settings, the store, audio and the catalogue.

This package knows nothing of models, training or HTTP.
"""
