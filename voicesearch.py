"""The command line: every package's commands under one name, and the one place that turns failures into exit codes."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import asr.commands
import data.commands
import labeling.commands
import serve.commands
import serve.evaluation
from data.errors import NotFoundError, VoiceSearchError
from serve.errors import FAILURE_EXIT, INPUT_EXIT, exit_code_of

app = typer.Typer(
    help="Voice search over your own catalogue. English only. Nothing leaves the machine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(data.commands.app, name="data")
app.add_typer(labeling.commands.app, name="labeling")
app.add_typer(asr.commands.app, name="asr")
app.add_typer(serve.commands.app, name="serve")


@app.command(epilog="Example: voicesearch search query.wav")
def search(
    query: Annotated[str, typer.Argument(help="A recording, or what you would type.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="Most results.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Answer one query in this process: no server, no network."""
    from serve.preparation import open_pipeline, prepare

    recording = _recording(query)
    pipeline = open_pipeline(prepare(None, _say))
    if recording is not None:
        answer = pipeline.search_audio(recording.read_bytes(), limit)
    else:
        answer = pipeline.search_text(query, limit)
    transcript = answer.transcript
    if as_json:
        shown = {
            "transcript": asdict(transcript),
            "results": [asdict(hit) for hit in answer.hits],
            "sure": answer.sure,
            "null_reason": transcript.null_reason,
            "release": answer.release,
            "timings_ms": dict(answer.timings_ms),
            "conditioning": asdict(answer.conditioning) if answer.conditioning else None,
        }
        print(json.dumps(shown, ensure_ascii=False))
        return
    print(f"“{transcript.text}”" if transcript.text else f"no text: {transcript.null_reason}")
    if answer.hits and not answer.sure:
        print("no sure match; did you mean")
    for place, hit in enumerate(answer.hits, 1):
        details = ", ".join(value for value in hit.fields.values() if value)
        print(f"{place:3d}  {hit.title}" + (f"  ({details})" if details else ""))
    if not answer.hits and transcript.text:
        print("nothing found")


@app.command(epilog="Example: voicesearch demo --clips 100")
def demo(
    clips: Annotated[
        int, typer.Option(min=10, max=560, help="How many recordings of the Asterisk prompts to score.")
    ] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Run the life cycle in miniature on real speech and show one table."""
    from serve.demo import run_demo, show

    figures = run_demo(clips, _say)
    print(json.dumps(asdict(figures))) if as_json else show(figures)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command line without the program's name; by default this process's.

    Returns:
        The exit code: 0, 1 for a failure or findings, 2 for what the caller can mend.
    """
    try:
        result = app(args=arguments, standalone_mode=False, obj=serve.evaluation.open_search)
        return result if isinstance(result, int) else 0
    except VoiceSearchError as error:
        print(f"voicesearch: {error}", file=sys.stderr)
        return exit_code_of(error)
    except typer.TyperException as error:
        if message := error.format_message():
            print(f"voicesearch: {message.removesuffix('.')}; see --help", file=sys.stderr)
        return INPUT_EXIT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
        return FAILURE_EXIT
    except OSError as error:
        print(
            f"voicesearch: {error.filename or 'a file'}: {error.strerror}; check path, rights and space",
            file=sys.stderr,
        )
        return INPUT_EXIT
    except (typer.Abort, KeyboardInterrupt):
        print("voicesearch: stopped", file=sys.stderr)
        return 130


def _recording(query: str) -> Path | None:
    """Give the file that a query names, None where it is words."""
    from data.audio import AUDIO_SUFFIXES

    path = Path(query)
    named = path.suffix.lower() in AUDIO_SUFFIXES or query.endswith("/")
    if len(query) < 256 and path.is_file():
        return path
    if named or (len(query) < 256 and path.is_dir()):
        raise NotFoundError(f"{query}: there is no such recording; name a file, or type words")
    return None


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
