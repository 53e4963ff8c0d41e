"""The transcription convention, its checks, agreement between people, and the review queue.

This package knows nothing of models or HTTP.
"""
