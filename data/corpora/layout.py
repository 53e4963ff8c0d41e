"""Which layout a corpus has, told from the files that are there."""

from pathlib import Path

from data.corpora.asterisk import is_asterisk, read_asterisk
from data.corpora.folder import TABLES, read_folder, tables_of
from data.corpora.librispeech import is_librispeech, read_librispeech
from data.corpora.nemo import is_nemo, read_nemo
from data.corpora.recording import Corpus
from data.errors import ManifestError

MANIFESTS = ("manifest.jsonl", "manifest.json")


def read_corpus(source: Path, root: Path | None = None) -> Corpus:
    """Read a corpus in any of the known layouts.

    Args:
        source: A folder, a NeMo manifest, or a table of transcripts.
        root: The folder that the paths in a manifest or table stay in; by default the one it lies in.

    Returns:
        The corpus.

    Raises:
        ManifestError: The layout is none that is known, the corpus is empty, or a line cannot be used.
    """
    if not source.exists():
        raise ManifestError(f"{source}: there is no such file or folder; check the path")
    if source.is_file():
        return read_nemo(source, root) if is_nemo(source) else read_folder((source,), root or source.parent)
    if is_asterisk(source):
        return read_asterisk(source)
    if is_librispeech(source):
        return read_librispeech(source)
    for name in MANIFESTS:
        if (source / name).is_file():
            return read_nemo(source / name, root)
    if tables := tables_of(source):
        return read_folder(tables, root or source)
    raise ManifestError(
        f"{source}: neither the Asterisk prompts, LibriSpeech's layout ('SPEAKER/CHAPTER/*.trans.txt'), a manifest "
        f"({MANIFESTS[0]}) nor a table of transcripts ({', '.join(TABLES[:4])}); add one, or name the file itself"
    )
