"""Says texts with Hibari; run as a program by the Python of its environment, see `data.more_voices`.

    python hibari_speaker.py SPEED TEXTS OUT

TEXTS is a file with a text a line, OUT the folder of the clips, which are named after the number of their line.
"""

import sys
from pathlib import Path


def main() -> None:
    """Say every text."""
    from hibari import Hibari

    speed, texts, out = sys.argv[1:]
    speaker = Hibari()
    for number, text in enumerate(Path(texts).read_text(encoding="utf-8").splitlines()):
        speaker.save(text, str(Path(out, f"{number:06d}.wav")), speed=float(speed), seed=0)


if __name__ == "__main__":
    main()
