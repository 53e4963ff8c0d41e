// What the page says, in one place. Each notice is one plain sentence and what to do about it.

const TLS = "voicesearch serve run --tls-cert cert.pem --tls-key key.pem";

/** Why a recording gave no text. */
export const NO_TRANSCRIPT = {
  silence: {
    title: "The recording is silent.",
    remedy: "Check that the microphone is on and not muted, and that the browser listens to the right one. Then try again.",
  },
  too_short: {
    title: "That was too short to hold a word.",
    remedy: "Keep the button or the space bar down for as long as you speak, and let go when you have finished.",
  },
  no_speech: {
    title: "There is sound, but nobody speaks in it.",
    remedy: "Move closer to the microphone or away from the noise, and try again.",
  },
  low_confidence: {
    title: "That could not be made out well enough to search with.",
    remedy: "Say it once more, a little slower, or type it.",
  },
  hallucination: {
    title: "The recogniser wrote down words that nobody can have said, so they were thrown away.",
    remedy: "Say it once more in other words, or type it.",
  },
};

/** Said for a reason that is newer than this page. */
export const NO_TRANSCRIPT_OTHERWISE = {
  title: "Nothing was understood.",
  remedy: "Say it once more, or type it.",
};

/** Why the page cannot listen; `code` is a command to run, `after` follows it. */
export const NO_MICROPHONE = {
  insecure: {
    title: "This page may not use the microphone, because it did not come over HTTPS.",
    remedy: "Browsers allow recording only on secure pages. Whoever runs this server can start it with a certificate:",
    code: TLS,
    after: "On the server’s own machine, localhost works without one. Typing and recordings from a file work here too.",
  },
  unsupported: {
    title: "This browser cannot record sound.",
    remedy: "Use a current Chrome, Edge, Firefox or Safari. Typing and recordings from a file work here too.",
  },
  denied: {
    title: "The microphone is blocked for this page.",
    remedy:
      "Allow it in the browser’s site settings, beside the address, and in the system’s privacy settings; then press again. Typing and recordings from a file work meanwhile.",
  },
  missing: {
    title: "No microphone was found.",
    remedy: "Connect one and press again. Typing and recordings from a file work meanwhile.",
  },
  busy: {
    title: "The microphone does not start.",
    remedy: "Another program may be using it. Close that program and press again.",
  },
  failed: {
    title: "The recording could not be started.",
    remedy: "Reload the page and try again. Typing and recordings from a file work meanwhile.",
  },
};

/** How a result was found, as its label says it. */
export const MATCHES = {
  exact: "exact words",
  fuzzy: "similar spelling",
  phonetic: "sounds alike",
};

/** The stages of a query, as the timing line says them. */
export const STAGES = {
  decode: "decode",
  condition: "clean up",
  recognise: "recognise",
  search: "search",
};

/** Said where the words are known and no item has them. */
export function noResults(text) {
  return { title: `Nothing here matches “${text}”.`, remedy: "Try fewer or other words, or one of these." };
}

/** Said where no item is surely meant; the nearest follow. */
export function notSure(text) {
  return { title: `No sure match for “${text}”.`, remedy: "Did you mean one of these?" };
}

const streams = "WebSocket" in window && "AudioWorkletNode" in window;
const touch = window.matchMedia("(hover: none)").matches;

/** How to speak, shown under the button while nothing happens. */
export const HINT = touch
  ? `Tap the button, speak, ${streams ? "and stop" : "and tap again"}. Or hold it while you speak.`
  : `Click, speak, ${streams ? "and stop" : "and click again"}. Or hold the button or the space bar while you speak.`;

/** The same where there is no speaking. */
export const HINT_WITHOUT_MICROPHONE = "Type what you are looking for, or choose a recording.";

/** What the line under the button says while something happens; it is read out. */
export const STATUS = {
  ready: "",
  starting: "Opening the microphone…",
  opened: "The microphone is ready. Hold and speak.",
  listening: touch
    ? "Listening. Let go when you have finished, or tap again."
    : "Listening. Let go when you have finished, or press again. Esc discards.",
  noticing: "Listening. It searches when you have finished." + (touch ? "" : " Esc discards."),
  unheard: "Nothing is coming in. Is the microphone muted?",
  discarded: "Discarded.",
  finishing: "Searching…",
  working: "Searching…",
  correcting: "Type what you said, then press Enter.",
};

/** Write a number of things: `3,201 items`. */
export function count(number, singular, plural = `${singular}s`) {
  return `${number.toLocaleString("en-GB")} ${number === 1 ? singular : plural}`;
}

/** Write a duration given in milliseconds: `4.2 ms`, `131 ms`, `1.24 s`. */
export function duration(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
