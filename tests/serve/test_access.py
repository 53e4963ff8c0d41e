"""Who is let through: a table of callers, and how often they may ask."""

from datetime import UTC, datetime

import pytest
from limits import parse

from data.errors import ForbiddenError, InputError, RateLimitedError, UnauthorizedError, VoiceSearchError
from serve.access import Caller, RateLimiter, admit, is_own_page, refuse_unguarded
from serve.choices import Access, Scope
from serve.keys import ApiKey

SHOP = ApiKey("1", "shop", (Scope.QUERY,), datetime.now(UTC))
HERE, AWAY = "127.0.0.1", "203.0.113.7"


@pytest.mark.parametrize(
    ("caller", "scope", "access", "refusal"),
    [
        (Caller(HERE), Scope.ADMIN, Access.LOOPBACK, None),
        (Caller("::1"), Scope.REVIEW, Access.LOOPBACK, None),
        (Caller(AWAY), Scope.QUERY, Access.LOOPBACK, UnauthorizedError),
        (Caller("unix"), Scope.QUERY, Access.LOOPBACK, UnauthorizedError),
        (Caller(AWAY, True, SHOP), Scope.QUERY, Access.LOOPBACK, None),
        (Caller(AWAY, True, SHOP), Scope.ADMIN, Access.LOOPBACK, ForbiddenError),
        (Caller(HERE, True, SHOP), Scope.REVIEW, Access.LOOPBACK, ForbiddenError),
        (Caller(HERE, True, None), Scope.QUERY, Access.LOOPBACK, None),
        (Caller(AWAY, True, None), Scope.QUERY, Access.LOOPBACK, UnauthorizedError),
        (Caller(AWAY), Scope.QUERY, Access.OPEN, None),
        (Caller(AWAY), Scope.FEEDBACK, Access.OPEN, None),
        (Caller(AWAY), Scope.REVIEW, Access.OPEN, UnauthorizedError),
        (Caller(AWAY), Scope.ADMIN, Access.OPEN, UnauthorizedError),
        (Caller(HERE), Scope.QUERY, Access.KEYS, UnauthorizedError),
    ],
)
def test_callers_are_let_through_or_told_why_not(
    caller: Caller, scope: Scope, access: Access, refusal: type[VoiceSearchError] | None
) -> None:
    if refusal is None:
        admit(caller, scope, access)
        return
    with pytest.raises(refusal, match="key"):
        admit(caller, scope, access)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.4", "example.org"])  # noqa: S104  never listened on
def test_listening_for_others_needs_a_key_or_the_explicit_word(host: str) -> None:
    with pytest.raises(InputError, match="key create"):
        refuse_unguarded(host, Access.LOOPBACK, has_keys=False)
    refuse_unguarded(host, Access.LOOPBACK, has_keys=True)
    refuse_unguarded(host, Access.OPEN, has_keys=False)
    for local in ("127.0.0.1", "::1", "localhost"):
        refuse_unguarded(local, Access.LOOPBACK, has_keys=False)


def test_a_caller_who_asks_too_often_is_told_when_to_come_back_and_others_are_not_held_up() -> None:
    rates = RateLimiter(parse("2/minute"))
    for _ in range(2):
        rates.count(Caller(AWAY))
    with pytest.raises(RateLimitedError, match="2 per 1 minute") as refused:
        rates.count(Caller(AWAY))
    assert refused.value.retry_after_s is not None
    assert 1 <= refused.value.retry_after_s <= 60
    rates.count(Caller("203.0.113.8"))
    rates.count(Caller(AWAY, True, SHOP))
    for _ in range(5):
        rates.count(Caller(HERE))


@pytest.mark.parametrize(
    ("origin", "host", "may"),
    [
        (None, "shop.example", True),
        ("https://shop.example", "shop.example", True),
        ("http://localhost:8000", "localhost:8000", True),
        ("https://partner.example", "shop.example", True),
        ("https://evil.example", "shop.example", False),
        ("http://localhost:9000", "localhost:8000", False),
        ("null", "localhost:8000", False),
        ("https://shop.example.evil.example", "shop.example", False),
        ("", "", False),
        ("null", "", False),
        ("http://[", "shop.example", False),
    ],
)
def test_only_pages_of_this_service_and_those_named_open_streams(origin: str | None, host: str, may: bool) -> None:
    assert is_own_page(origin, host, ("https://partner.example",)) is may
