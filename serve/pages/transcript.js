// The field in which a transcript is written, held to the convention while somebody types.

import { showViolations } from "./clip.js";
import { checkText } from "./review-client.js";

const CHECK_AFTER_MS = 120;

export class Transcript {
  #field;
  #onchange;
  #timer = 0;
  #checking = null; // AbortController of the check under way

  /**
   * @param {HTMLTextAreaElement} field
   * @param {(text: string) => void} onchange Called with every change, typed or written.
   */
  constructor(field, onchange) {
    this.#field = field;
    this.#onchange = onchange;
    field.addEventListener("input", () => this.#changed());
  }

  get text() {
    return this.#field.value.replace(/\s+/g, " ").trim();
  }

  write(text) {
    this.#field.value = text;
    this.#changed();
  }

  /** Put a tag where the cursor is; in place of the whole text where nobody is writing. */
  insert(tag) {
    if (document.activeElement !== this.#field) {
      this.write(tag);
      return;
    }
    const { selectionStart: start, selectionEnd: end, value } = this.#field;
    const before = value.slice(0, start).trimEnd();
    this.write([before, tag, value.slice(end).trimStart()].filter(Boolean).join(" "));
    const cursor = (before ? before.length + 1 : 0) + tag.length;
    this.#field.setSelectionRange(cursor, cursor);
  }

  /** Hold the text to the convention, and show which rules it breaks; a newer check takes the place of this one. */
  async check() {
    clearTimeout(this.#timer);
    this.#checking?.abort();
    const mine = (this.#checking = new AbortController());
    const checked = await checkText(this.text, mine.signal);
    showViolations(this.text ? checked.violations : []);
    return checked;
  }

  #changed() {
    this.#onchange(this.text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.check().catch(() => {}), CHECK_AFTER_MS); // keeping the label checks once more
  }
}
