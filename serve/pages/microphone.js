// Runs on the audio thread: gives the microphone's sound as 16-bit samples, forty milliseconds at a time.

const MESSAGE_S = 0.04;

class Microphone extends AudioWorkletProcessor {
  #samples = new Int16Array(Math.round(MESSAGE_S * sampleRate));
  #filled = 0;

  process([[channel]]) {
    for (const sample of channel ?? []) {
      this.#samples[this.#filled] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
      this.#filled += 1;
      if (this.#filled < this.#samples.length) continue;
      const full = this.#samples;
      this.#samples = new Int16Array(full.length);
      this.#filled = 0;
      this.port.postMessage(full, [full.buffer]);
    }
    return true;
  }
}

registerProcessor("microphone", Microphone);
