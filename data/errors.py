"""Every failure that this project raises on purpose.

    VoiceSearchError
    ├── InputError                 what the caller sent cannot be used
    │   ├── AudioError
    │   │   ├── EmptyAudioError
    │   │   ├── UnsupportedAudioError
    │   │   ├── InvalidAudioError
    │   │   ├── AudioTooLargeError
    │   │   └── AudioTooLongError
    │   ├── InvalidRequestError
    │   ├── NotFoundError
    │   ├── ForbiddenError
    │   ├── UnauthorizedError
    │   ├── RateLimitedError
    │   ├── ConflictError
    │   ├── IdleError
    │   ├── SlowReaderError
    │   ├── CatalogueError
    │   ├── ManifestError
    │   ├── LabelError
    │   ├── CharterError
    │   └── SettingsError
    ├── ModelError
    │   ├── ModelUnavailableError
    │   └── ModelCorruptError
    ├── TrainingError              training cannot start or go on
    ├── CorpusUnavailableError     recordings cannot be fetched
    ├── IndexUnavailableError
    ├── OverloadedError            too many queries wait already
    ├── DeadlineError              a query took too long and was given up
    ├── RecognitionFailedError     the recogniser did not survive a recording
    ├── HungUpError                the caller did not wait for the answer
    ├── StoreError
    │   └── UnstorableError        the database will never take this
    └── ToolMissingError           a program that this command needs is not installed

Each carries a stable `code`. `serve.errors` maps the tree to HTTP statuses and exit codes; nothing else does.
"""


class VoiceSearchError(Exception):
    """A failure with one clear line: what, where, the remedy.

    `retry_after_s` says after how many seconds the same may well succeed, None where it will not.
    """

    code = "internal"
    retry_after_s: int | None = None


class InputError(VoiceSearchError):
    """What the caller sent cannot be used."""

    code = "invalid_input"


class AudioError(InputError):
    """The audio cannot be used."""

    code = "invalid_audio"


class EmptyAudioError(AudioError):
    """No bytes, or no samples in them."""

    code = "empty_audio"


class UnsupportedAudioError(AudioError):
    """The bytes are not audio that can be decoded."""

    code = "unsupported_audio"


class InvalidAudioError(AudioError):
    """The audio decodes, but its values or its layout make no sense (NaN, 0 Hz, 255 channels)."""

    code = "invalid_audio"


class AudioTooLargeError(AudioError):
    """More bytes than allowed."""

    code = "body_too_large"


class AudioTooLongError(AudioError):
    """More seconds than allowed."""

    code = "audio_too_long"


class InvalidRequestError(InputError):
    """A parameter is missing, malformed or out of range."""

    code = "invalid_request"


class NotFoundError(InputError):
    """The thing named does not exist."""

    code = "not_found"


class ForbiddenError(InputError):
    """The caller may not do this."""

    code = "forbidden"


class UnauthorizedError(InputError):
    """The caller has to say who it is."""

    code = "unauthorized"


class RateLimitedError(InputError):
    """The caller asks too often."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ConflictError(InputError):
    """The same request is being worked on already; its answer comes soon."""

    code = "in_progress"
    retry_after_s = 1  # a query takes less


class IdleError(InputError):
    """The caller sent nothing for too long."""

    code = "idle"


class SlowReaderError(InputError):
    """The caller does not read what it is sent."""

    code = "slow_reader"


class CatalogueError(InputError):
    """A catalogue file or its mapping cannot be used."""

    code = "invalid_catalogue"


class ManifestError(InputError):
    """A manifest or one of its lines cannot be used."""

    code = "invalid_manifest"


class LabelError(InputError):
    """A transcription convention, or a file of labels, cannot be used."""

    code = "invalid_labels"


class CharterError(InputError):
    """The charter cannot be used."""

    code = "invalid_charter"


class SettingsError(InputError):
    """An environment variable has a value that cannot be used."""

    code = "invalid_settings"


class ModelError(VoiceSearchError):
    """The recogniser's weights cannot be used."""

    code = "model_error"


class ModelUnavailableError(ModelError):
    """The weights are neither here nor to be fetched."""

    code = "model_unavailable"


class ModelCorruptError(ModelError):
    """A model file's hash is not the one expected."""

    code = "model_corrupt"


class TrainingError(VoiceSearchError):
    """Training cannot start or go on; what it had saved is kept."""

    code = "training_failed"


class CorpusUnavailableError(VoiceSearchError):
    """A corpus cannot be fetched."""

    code = "corpus_unavailable"


class IndexUnavailableError(VoiceSearchError):
    """There is no search index to answer from."""

    code = "index_unavailable"


class OverloadedError(VoiceSearchError):
    """Too many queries wait already; the same query may be sent again soon."""

    code = "overloaded"
    retry_after_s = 1  # a query takes less


class DeadlineError(VoiceSearchError):
    """A query was not answered in time and was given up."""

    code = "deadline_exceeded"
    retry_after_s = 1


class RecognitionFailedError(VoiceSearchError):
    """The recogniser's process died over a recording."""

    code = "recognition_failed"


class HungUpError(VoiceSearchError):
    """The caller did not wait for the answer."""

    code = "hung_up"


class StoreError(VoiceSearchError):
    """The database cannot be opened or written; it may be back soon."""

    code = "store_error"
    retry_after_s: int | None = 5


class UnstorableError(StoreError):
    """The database refused this for what it is, and will again."""

    retry_after_s = None


class ToolMissingError(VoiceSearchError):
    """A program that this command needs is not installed."""

    code = "tool_missing"
