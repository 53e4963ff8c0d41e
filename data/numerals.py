"""Numbers as English words: cardinals, ordinals, years, digits, Roman numerals."""

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}

FIRST_YEAR, LAST_YEAR = 1001, 2099
"""Numbers of four digits between these are read as years: 1408 is "fourteen oh eight"."""


def cardinal(number: int) -> str:
    """Say a number: 101 is `one hundred one`.

    Args:
        number: From 0 to below 10^15.

    Returns:
        Its words, without hyphens and without "and".
    """
    if number < 20:
        return ONES[number]
    if number < 100:
        return _joined(TENS[number // 10 - 2], number % 10)
    size, name = next((size, name) for size, name in SCALES if number >= size)
    return _joined(f"{cardinal(number // size)} {name}", number % size)


def ordinal(number: int) -> str:
    """Say a place in an order: 13 is `thirteenth`, 22 is `twenty second`.

    Args:
        number: From 0 to below 10^15.

    Returns:
        Its words.
    """
    before, _, last = cardinal(number).rpartition(" ")
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return f"{before} {IRREGULAR.get(last, regular)}".strip()


def year(number: int) -> str:
    """Say a year: 1984 is `nineteen eighty four`, 2001 `two thousand one`, 1900 `nineteen hundred`.

    Args:
        number: From `FIRST_YEAR` to `LAST_YEAR`.

    Returns:
        Its words.
    """
    century, rest = divmod(number, 100)
    if century == 20 and rest < 10:
        return cardinal(number)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def plural(words: str) -> str:
    """Say several of a number: `eighty` is `eighties`, `six` is `sixes`."""
    if words.endswith("y"):
        return f"{words[:-1]}ies"
    return f"{words}es" if words.endswith("x") else f"{words}s"


def digits(text: str) -> str:
    """Say digits one by one: `007` is `oh oh seven`."""
    return " ".join("oh" if digit == "0" else ONES[int(digit)] for digit in text)


def roman_value(numeral: str) -> int | None:
    """Read a Roman numeral.

    Args:
        numeral: Capital letters.

    Returns:
        Its value, None where it is not one in its usual form (`IIII`, `IC`).
    """
    values = [ROMAN.get(letter, 0) for letter in numeral]
    if not values or 0 in values:
        return None
    total = sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )
    return total if roman(total) == numeral else None


def roman(number: int) -> str:
    """Write a number from 1 on as a Roman numeral; nothing where it is below 1."""
    pairs = ((900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"))
    written = "M" * (max(number, 0) // 1000)
    number = max(number, 0) % 1000
    for size, symbol in (*pairs, (5, "V"), (4, "IV"), (1, "I")):
        count, number = divmod(number, size)
        written += symbol * count
    return written


def _joined(words: str, rest: int) -> str:
    return f"{words} {cardinal(rest)}" if rest else words
