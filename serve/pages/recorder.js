// The microphone: opens it, records, gives the sound as it comes in, tells the level, and names what is wrong with it.

const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"]; // Safari records only the last
const BITS_PER_SECOND = 64_000;
const STREAM_RATE = 16_000; // what the recogniser hears; a browser that cannot give it gives its own
const HIGHEST_RATE = 48_000; // of a stream
const TAIL_MS = 150; // people let go before their last sound is out
const QUIETEST_DB = -60;
const LOUDEST_DB = -8;

/** Why there is no recording: `insecure`, `unsupported`, `denied`, `missing`, `busy` or `failed`. */
export class MicrophoneError extends Error {
  constructor(reason, detail = "") {
    super(detail || reason);
    this.name = "MicrophoneError";
    this.reason = reason;
  }
}

/** What keeps this page from recording before it has even tried, as a reason, or null. */
export function standingProblem() {
  if (!window.isSecureContext) return "insecure";
  if (!navigator.mediaDevices?.getUserMedia || !window.MediaRecorder) return "unsupported";
  return null;
}

/** Call back with whether the microphone is refused: at once if it is, and whenever that changes. */
export async function watchPermission(report) {
  try {
    const permission = await navigator.permissions.query({ name: "microphone" });
    const tell = () => report(permission.state === "denied");
    permission.addEventListener("change", tell);
    if (permission.state === "denied") tell();
  } catch {
    // this browser does not tell; the first press will
  }
}

/** Records one utterance at a time. */
export class Recorder {
  #stream = null;
  #media = null;
  #context = null;
  #source = null;
  #analyser = null;
  #parts = [];
  #startedAt = 0;

  /** Called when the microphone goes away while recording. */
  onlost = () => {};

  /** Called with the sound as it comes in, as an Int16Array, where this recorder `streams`. */
  onsound = null;

  /** Whether the sound is given as it comes in, which some browsers cannot. */
  streams = false;

  /** Open the microphone and record; resolves once sound is being kept. Throws MicrophoneError. */
  async start() {
    const problem = standingProblem();
    if (problem) throw new MicrophoneError(problem);
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({
        // the sound as it is: the server sets the level itself, and the recogniser knows noise better than its removal
        audio: { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false },
      });
      this.#listen();
      await this.#tap();
      await this.#record();
    } catch (error) {
      this.#release();
      throw asMicrophoneError(error);
    }
  }

  /** End the recording; resolves with the whole file once the last sound is in it. */
  async stop() {
    await new Promise((resolve) => setTimeout(resolve, TAIL_MS));
    const media = this.#media;
    if (media?.state === "recording") {
      const stopped = new Promise((resolve) => media.addEventListener("stop", resolve, { once: true }));
      media.stop();
      await stopped;
    }
    const recording = new Blob(this.#parts, { type: media?.mimeType });
    this.#release();
    return recording;
  }

  /** Throw the recording away. */
  discard() {
    if (this.#media?.state === "recording") this.#media.stop();
    this.#release();
  }

  /** Seconds recorded so far. */
  get seconds() {
    return this.#media ? (performance.now() - this.#startedAt) / 1000 : 0;
  }

  /** Samples per second of `onsound`. */
  get rate() {
    return this.#context.sampleRate;
  }

  /** Loudness just now, 0 (silent) to 1 (as loud as speech gets), linear in decibels. */
  get level() {
    if (!this.#analyser) return 0;
    const samples = new Float32Array(this.#analyser.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    const decibels = 10 * Math.log10(power + 1e-12);
    return Math.min(1, Math.max(0, (decibels - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB)));
  }

  #listen() {
    try {
      this.#context = new AudioContext({ sampleRate: STREAM_RATE });
      this.#source = this.#context.createMediaStreamSource(this.#stream);
    } catch {
      this.#context?.close();
      this.#context = new AudioContext();
      this.#source = this.#context.createMediaStreamSource(this.#stream);
    }
    this.#context.resume(); // Safari may start it suspended
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 512;
    this.#source.connect(this.#analyser);
    this.#stream.getAudioTracks()[0].addEventListener("ended", () => this.onlost());
  }

  async #tap() {
    this.streams = false;
    if (!this.#context.audioWorklet || this.#context.sampleRate > HIGHEST_RATE) return;
    try {
      await this.#context.audioWorklet.addModule(new URL("microphone.js", import.meta.url));
      const mono = { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" };
      const microphone = new AudioWorkletNode(this.#context, "microphone", mono);
      microphone.port.onmessage = ({ data }) => this.onsound?.(data);
      this.#source.connect(microphone);
      this.streams = true;
    } catch {
      // recordings are sent whole
    }
  }

  async #record() {
    const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
    const media = new MediaRecorder(this.#stream, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
    const parts = [];
    media.addEventListener("dataavailable", ({ data }) => parts.push(data));
    const started = new Promise((resolve) => media.addEventListener("start", resolve, { once: true }));
    media.start();
    await started;
    [this.#media, this.#parts, this.#startedAt] = [media, parts, performance.now()];
  }

  #release() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#context?.close();
    [this.#stream, this.#media, this.#context, this.#source, this.#analyser] = [null, null, null, null, null];
  }
}

function asMicrophoneError(error) {
  const reasons = {
    NotAllowedError: "denied",
    SecurityError: "denied",
    NotFoundError: "missing",
    OverconstrainedError: "missing",
    NotReadableError: "busy",
    AbortError: "busy",
  };
  if (error instanceof MicrophoneError) return error;
  return new MicrophoneError(reasons[error.name] ?? "failed", error.message);
}
