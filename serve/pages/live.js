// One utterance that is searched for while it is spoken: from the microphone through the gate to the server.
// Where that fails, the recording is sent whole.

import { SearchStream, searchAudio } from "./client.js";
import { VoiceGate } from "./gate.js";

/** Streams what a recorder hears. */
export class LiveSearch {
  #recorder;
  #gate = new VoiceGate();
  #stream = null;
  #sent = [];
  #rate = 0;
  #options;

  /**
   * @param {Recorder} recorder Not yet started, so that none of its sound is missed.
   * @param {{consent: boolean, onPartial: (partial: object) => void, onEndpoint: () => void}} options
   *   `onPartial` is called with what has been made out so far, `onEndpoint` when the speech is over by itself.
   */
  constructor(recorder, options) {
    this.#recorder = recorder;
    this.#options = options;
    recorder.onsound = (samples) => this.#take(samples);
  }

  /** Whether the utterance ends by itself when the speech is over. */
  endsByItself = false;

  /** Whether it is of use: sound was sent, and nothing went wrong up to now. */
  get isUsable() {
    return this.#sent.length > 0 && this.#stream !== null && !this.#stream.failed;
  }

  /** Begin to send. `endpoint` says whether the utterance may end by itself; what came before is sent, too. */
  open({ endpoint }) {
    this.#rate = this.#recorder.rate;
    try {
      this.#stream = new SearchStream({ rate: this.#rate, endpoint, ...this.#options });
    } catch {
      return; // this browser, or what is between it and the server, has no WebSockets
    }
    this.endsByItself = endpoint;
    for (const samples of this.#sent) this.#stream.send(samples);
  }

  /** End the utterance, if it did not by itself. Gives the answer of `POST /v1/search`, and the recording. */
  async finish() {
    this.close();
    this.#stream.end();
    const answer = await this.#stream.answer;
    return { answer, recording: this.#recording(answer.start, answer.end) };
  }

  /** Send nothing more. */
  close() {
    this.#recorder.onsound = null;
  }

  /** Throw the utterance away. */
  cancel() {
    this.close();
    this.#stream?.cancel();
  }

  #take(samples) {
    for (const each of this.#gate.push(samples)) {
      this.#sent.push(each);
      this.#stream?.send(each);
    }
  }

  /** What was heard of what was sent, as a WAV file; `start` and `end` in seconds. */
  #recording(start, end) {
    const rate = this.#rate;
    const length = this.#sent.reduce((sum, samples) => sum + samples.length, 0);
    const all = new Int16Array(length);
    let at = 0;
    for (const samples of this.#sent) {
      all.set(samples, at);
      at += samples.length;
    }
    return wavOf(all.subarray(Math.round(start * rate), Math.round(end * rate)), rate);
  }
}

/**
 * Answer what was streamed or, where that did not do, what was recorded.
 * @param {LiveSearch | null} spoken
 * @param {Promise<Blob>} recorded
 * @param {{consent: boolean, signal: AbortSignal}} options
 * @returns {Promise<{answer: object, recording: Blob}>}
 */
export async function answerTo(spoken, recorded, { consent, signal }) {
  if (spoken?.isUsable) {
    signal.addEventListener("abort", () => spoken.cancel());
    try {
      return await spoken.finish();
    } catch (error) {
      if (signal.aborted) throw error; // else the recording is still there
    }
  }
  spoken?.cancel();
  const recording = await recorded;
  return { answer: await searchAudio(recording, { consent, signal }), recording };
}

/** Write 16-bit samples, mono, as a WAV file. */
function wavOf(samples, rate) {
  const header = new DataView(new ArrayBuffer(44));
  const write = (at, text) => [...text].forEach((letter, place) => header.setUint8(at + place, letter.charCodeAt(0)));
  const bytes = samples.length * 2;
  write(0, "RIFF");
  header.setUint32(4, 36 + bytes, true);
  write(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // mono
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  write(36, "data");
  header.setUint32(40, bytes, true);
  return new Blob([header, samples], { type: "audio/wav" });
}
