"""The server that one writes in an afternoon: FastAPI around faster-whisper, as the READMEs of both show them.

    python -m benchmarks.peer_server PORT MODEL [--batched]

`--batched` takes faster-whisper's batched pipeline. `POST /transcribe` takes a form with `file`.
"""

import argparse
from io import BytesIO
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, UploadFile
from faster_whisper import BatchedInferencePipeline, WhisperModel


def create_app(model: str, batched: bool) -> FastAPI:
    """Build the application.

    Args:
        model: Folder of the weights.
        batched: Whether to take the batched pipeline.

    Returns:
        The application.
    """
    whisper = WhisperModel(model, device="cpu", compute_type="int8")
    app = FastAPI()

    @app.post("/transcribe")
    def transcribe(file: Annotated[UploadFile, File()]) -> dict[str, str]:
        audio = BytesIO(file.file.read())
        if batched:
            segments, _ = BatchedInferencePipeline(whisper).transcribe(audio, batch_size=16, language="en")
        else:
            segments, _ = whisper.transcribe(audio, beam_size=5, language="en")
        return {"text": " ".join(segment.text.strip() for segment in segments)}

    @app.get("/readyz")
    def ready() -> str:
        return "ready"

    return app


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("model", help="folder of the weights in CTranslate2's format")
    parser.add_argument("--batched", action="store_true")
    chosen = parser.parse_args()
    uvicorn.run(create_app(chosen.model, chosen.batched), port=chosen.port, log_level="warning")


if __name__ == "__main__":
    main()
