"""Damaged audio files for hypothesis, and a program that measures what memory decoding them takes.

python -m tests.data.damage 2000    # decodes so many damaged files; the last line is JSON
"""

import json
import sys
from pathlib import Path

import soundfile
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from data.audio import AudioLimits, decode
from data.errors import AudioError
from tests.recordings import CONTAINERS, flac_of_silence, wav

SPEECH = Path(__file__).parents[2] / "examples" / "speech" / "auth-thankyou.flac"
LIMITS = AudioLimits()


def real_files() -> list[bytes]:
    """Real speech in every container, and files whose headers lie."""
    samples = soundfile.read(SPEECH, dtype="float32")[0][:8000]
    honest = [build(samples) for build in CONTAINERS.values()]
    return [*honest, wav(samples), wav(samples, claimed=2**32 - 1), flac_of_silence(3600)]


@st.composite
def damaged(draw: st.DrawFn, files: list[bytes]) -> bytes:
    """A file with bytes overwritten, parts cut out, doubled, or taken from another file."""
    content = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 64) | st.integers(0, len(content)))
        match draw(st.sampled_from(("flip", "set", "cut", "double", "splice", "end"))):
            case "flip" if start < len(content):
                content[start] ^= 1 << draw(st.integers(0, 7))
            case "set":
                content[start : start + 8] = draw(st.binary(min_size=1, max_size=8))
            case "cut":
                del content[start : start + length]
            case "double":
                content[start:start] = content[start : start + length]
            case "splice":
                other = draw(st.sampled_from(files))
                begin = draw(st.integers(0, len(other)))
                content[start : start + length] = other[begin : begin + length]
            case "end":
                del content[start:]
        del content[1_000_000:]
    return bytes(content)


def main(examples: int) -> None:
    """Decode damaged files and tell the most memory that one of them took while it was decoded."""
    files = real_files()
    outcomes: dict[str, int] = {}
    peak_kb = 0

    @settings(
        max_examples=examples, database=None, derandomize=True, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(damaged(files))
    def decode_one(content: bytes) -> None:
        nonlocal peak_kb
        Path("/proc/self/clear_refs").write_text("5")  # begins the peak anew: hypothesis itself remembers a lot
        before = _resident_kb("VmRSS")
        try:
            outcome = type(decode(content, LIMITS)).__name__
        except AudioError as error:
            outcome = type(error).__name__
        peak_kb = max(peak_kb, _resident_kb("VmHWM") - before)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1

    decode_one()
    print(json.dumps({"files": sum(outcomes.values()), "peak_mb": round(peak_kb / 1024, 1), "outcomes": outcomes}))


def _resident_kb(name: str) -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith(name)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
