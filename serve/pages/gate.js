// A light voice gate: holds sound back until somebody may be speaking, and then lets out what came just before, too.
// It errs towards letting through; the server tells speech from noise.

const QUIETEST_DB = -65; // below this there is no speech, however quiet the room
const OPENS_DB = 9; // above the noise
const CLOSES_DB = 5; // above the noise; less than opens it, so that it does not flutter
const NOISE_RISES_DB = 0.1; // per message, so that speech is not taken for noise before its end
const CLOSES_AFTER = 75; // messages of 40 ms: far longer than the silence that ends an utterance
const LEAD = 12; // messages kept from before it opens, so that no onset is cut

/** Decides message by message what is sent on. */
export class VoiceGate {
  #noise = QUIETEST_DB;
  #held = [];
  #quiet = 0;

  isOpen = false;

  /**
   * Take in what comes next.
   * @param {Int16Array} samples
   * @returns {Int16Array[]} What is to be sent on now, oldest first.
   */
  push(samples) {
    const level = decibels(samples);
    this.#noise = Math.max(QUIETEST_DB, Math.min(level, this.#noise + NOISE_RISES_DB));
    if (!this.isOpen) {
      this.#held.push(samples);
      if (level <= this.#noise + OPENS_DB) {
        if (this.#held.length > LEAD) this.#held.shift();
        return [];
      }
      this.isOpen = true;
      this.#quiet = 0;
      return this.#held.splice(0);
    }
    this.#quiet = level > this.#noise + CLOSES_DB ? 0 : this.#quiet + 1;
    this.isOpen = this.#quiet < CLOSES_AFTER;
    return [samples];
  }
}

/** Loudness in decibels, 0 at full scale. */
function decibels(samples) {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return 10 * Math.log10(power / 32768 ** 2 + 1e-12);
}
