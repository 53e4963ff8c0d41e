"""What a Whisper decoder reads and writes for a text: the prompt, the text's tokens, the end."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from asr.recognizer import prompt_of, sentence_mark_ids
from data.errors import ModelUnavailableError
from data.records import Release

Ids: TypeAlias = NDArray[np.int32]


class Script:
    """The tokens of a release; `unwritten` are those that serving never lets it write."""

    def __init__(self, release: Release) -> None:
        self.tokenizer: Tokenizer = Tokenizer.from_file(str(Path(release.directory, "tokenizer.json")))
        self.prompt = prompt_of(self.tokenizer, release.multilingual, release.directory)
        self._directory = release.directory
        self.unwritten = sentence_mark_ids(self.tokenizer)
        self.end = self._token("<|endoftext|>")
        self._no_speech = self._token("<|nospeech|>", "<|nocaptions|>")

    def ids(self, text: str) -> list[int]:
        """Give the tokens of a text as the decoder writes it, a space first.

        Args:
            text: Any text.

        Returns:
            Token numbers, without prompt and end.
        """
        return list(self.tokenizer.encode(f" {text}", add_special_tokens=False).ids)

    def spoken(self, said: list[int]) -> tuple[Ids, Ids]:
        """Give what is read and what must be written after each for a clip with speech.

        Args:
            said: Tokens of the text.

        Returns:
            The tokens that the decoder reads, the prompt first, and what it must predict after each, -1 where that is
            not taught; both of shape `(n_tokens,)`.
        """
        tokens = np.array([*self.prompt, *said], np.int32)
        wanted = np.full(len(tokens), -1, np.int32)
        wanted[len(self.prompt) - 1 :] = [*said, self.end]
        return tokens, wanted

    def silent(self) -> tuple[Ids, Ids]:
        """Give the same for a clip without speech: say so at the start of the transcript, and end it at once."""
        wanted = np.full(len(self.prompt), -1, np.int32)
        wanted[0], wanted[-1] = self._no_speech, self.end
        return np.array(self.prompt, np.int32), wanted

    def _token(self, *names: str) -> int:
        found = (self.tokenizer.token_to_id(name) for name in names)
        number = next((number for number in found if number is not None), None)
        if number is None:
            raise ModelUnavailableError(f"{self._directory}: the vocabulary has no {' or '.join(names)}")
        return number
