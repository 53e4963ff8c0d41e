"""What each failure is to the outside: a status and one JSON shape, a WebSocket's close code, or an exit code."""

from dataclasses import dataclass

from data import errors

INPUT_EXIT = 2
"""Exit code for what the caller can mend."""

FAILURE_EXIT = 1
"""Exit code for what the caller cannot."""

_STATUSES: tuple[tuple[type[errors.VoiceSearchError], int], ...] = (
    (errors.AudioTooLargeError, 413),
    (errors.AudioTooLongError, 413),
    (errors.UnsupportedAudioError, 415),
    (errors.NotFoundError, 404),
    (errors.UnauthorizedError, 401),
    (errors.ForbiddenError, 403),
    (errors.RateLimitedError, 429),
    (errors.ConflictError, 409),
    (errors.IdleError, 408),
    (errors.InputError, 422),
    (errors.ModelError, 503),
    (errors.IndexUnavailableError, 503),
    (errors.StoreError, 503),
    (errors.OverloadedError, 503),
    (errors.DeadlineError, 504),
    (errors.HungUpError, 499),  # nginx' number: nobody sees it but the log and the counts
    (errors.VoiceSearchError, 500),
)

_CLOSE_CODES: tuple[tuple[type[errors.VoiceSearchError], int], ...] = (
    (errors.AudioTooLargeError, 1009),
    (errors.AudioTooLongError, 1009),
    (errors.UnsupportedAudioError, 1003),
    (errors.RateLimitedError, 1013),
    (errors.UnauthorizedError, 1008),
    (errors.ForbiddenError, 1008),
    (errors.IdleError, 1008),
    (errors.SlowReaderError, 1008),
    (errors.InputError, 1007),
    (errors.ModelError, 1013),
    (errors.IndexUnavailableError, 1013),
    (errors.StoreError, 1013),
    (errors.OverloadedError, 1013),
    (errors.DeadlineError, 1013),
    (errors.VoiceSearchError, 1011),
)

_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: errors.AudioTooLargeError.code,
    422: errors.InvalidRequestError.code,
}


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """What went wrong: a stable code, one clear line, the id to quote, and after how many seconds to try again."""

    code: str
    message: str
    request_id: str
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """The one shape of every refusal."""

    error: ErrorBody


def status_of(error: errors.VoiceSearchError) -> int:
    """Give the HTTP status of a failure.

    Args:
        error: Any failure of the tree.

    Returns:
        That of the nearest class in the table.
    """
    return next(status for kind, status in _STATUSES if isinstance(error, kind))


def close_code_of(error: errors.VoiceSearchError) -> int:
    """Give the code with which a failure closes a WebSocket (RFC 6455, section 7.4; 1013 is IANA's "try again later").

    Args:
        error: Any failure of the tree.

    Returns:
        That of the nearest class in the table.
    """
    return next(code for kind, code in _CLOSE_CODES if isinstance(error, kind))


def exit_code_of(error: errors.VoiceSearchError) -> int:
    """Give the exit code of a failure: 2 where the caller can mend it, else 1.

    Args:
        error: Any failure of the tree.

    Returns:
        The code.
    """
    mendable = isinstance(
        error, errors.InputError | errors.ModelError | errors.ToolMissingError | errors.IndexUnavailableError
    )
    return INPUT_EXIT if mendable or isinstance(error, errors.StoreError) else FAILURE_EXIT


def code_of_status(status: int) -> str:
    """Name a refusal that the web framework made on its own.

    Args:
        status: HTTP status.

    Returns:
        The code of the error shape.
    """
    return _CODES.get(status, "internal" if status >= 500 else "bad_request")
