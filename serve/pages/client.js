// Talks to the server, and knows nothing of the page but that a person can be asked for a key.

import { askForKey } from "./key.js";
import { readKey, writeKey } from "./memory.js";

const BASE = new URL("../v1/", import.meta.url);
const TIMEOUT_MS = 30_000;
const STREAM_PATIENCE_MS = 5_000; // until an utterance that is over is sent in another way
const MOST_TRIES = 4;
const LONGEST_WAIT_MS = 8_000;
const FIRST_WAIT_MS = 500;

/** A refusal or a failure; `status` is 0 where no answer came, else the HTTP status. */
export class ServerError extends Error {
  constructor(message, { code = "unreachable", status = 0, requestId = "", retryAfterMs = null } = {}) {
    super(message);
    this.name = "ServerError";
    this.code = code;
    this.status = status;
    this.requestId = requestId;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may well succeed later. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Whether the server did nothing yet, and asks to be asked again: it is busy, or at work on this very request. */
  get asksAgain() {
    return [429, 503].includes(this.status) || this.code === "in_progress";
  }
}

/**
 * Find what a recording asks for.
 * @param {Blob} audio A whole audio file.
 * @param {{limit?: number, consent?: boolean, name?: string, signal?: AbortSignal}} options
 *   `consent` lets the server keep the recording and its words.
 * @returns {Promise<object>} The answer of `POST /v1/search`.
 */
export function searchAudio(audio, { limit = 10, consent = false, name = "recording", signal } = {}) {
  const form = new FormData();
  form.set("audio", audio, name);
  form.set("limit", String(limit));
  form.set("session_id", sessionId());
  form.set("consent", String(consent));
  const headers = { "idempotency-key": `${idOf(audio)}.${limit}.${consent}` };
  return request("search", { method: "POST", headers, body: form, signal });
}

/**
 * Find what a typed text asks for.
 * @param {string} text
 * @param {{limit?: number, signal?: AbortSignal}} options
 * @returns {Promise<object>} The answer of `GET /v1/search`.
 */
export function searchText(text, { limit = 10, signal } = {}) {
  const query = new URLSearchParams({ q: text, limit: String(limit), session_id: sessionId() });
  return request(`search?${query}`, { signal });
}

/** Report that a result was chosen; `rank` is 1 for the first. */
export function sendClick(queryId, itemId, rank) {
  return sendFeedback({ query_id: queryId, kind: "click", item_id: itemId, rank });
}

/** Report what was really said. */
export function sendCorrection(queryId, text) {
  return sendFeedback({ query_id: queryId, kind: "correction", text });
}

/** Ask what can be searched: `{name, items, examples, fields}`. */
export function describeCatalogue() {
  return request("catalogue");
}

/** Searches for an utterance while it is spoken; see docs/streaming.md. */
export class SearchStream {
  #socket;
  #start;
  #unsent = [];
  #settle;

  /** Whether something went wrong; `answer` says what. */
  failed = false;

  /**
   * @param {object} options
   * @param {number} options.rate Samples per second of what is sent, 8,000 to 48,000.
   * @param {boolean} options.endpoint Whether the utterance is over by itself when the speech is.
   * @param {(partial: {stable: string, tentative: string, results: object[], sure: boolean}) => void} options.onPartial
   * @param {() => void} options.onEndpoint Called when the utterance is over by itself.
   */
  constructor({ rate, endpoint = true, limit = 10, consent = false, onPartial = () => {}, onEndpoint = () => {} }) {
    const key = readKey();
    this.#start = { type: "start", rate, endpoint, limit, consent, session_id: sessionId(), ...(key && { key }) };
    /** Resolves with the answer of `POST /v1/search`, and `start` and `end` in seconds of what was sent. */
    this.answer = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.answer.catch(() => {}); // whoever wants it will ask
    const address = new URL("stream", BASE);
    address.protocol = address.protocol.replace("http", "ws");
    this.#socket = new WebSocket(address);
    this.#socket.addEventListener("open", () => this.#greet());
    this.#socket.addEventListener("message", ({ data }) => this.#take(JSON.parse(data), { onPartial, onEndpoint }));
    this.#socket.addEventListener("close", () => this.#fail(new ServerError("The stream to the server broke off.")));
  }

  /** Send samples, an Int16Array; those that come before the stream is open wait. */
  send(samples) {
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#unsent.push(samples);
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(samples);
  }

  /** Say that the utterance is over. */
  end() {
    this.send(JSON.stringify({ type: "end" }));
    setTimeout(() => this.#fail(new ServerError("The stream was not answered.")), STREAM_PATIENCE_MS);
  }

  /** Give the utterance up. */
  cancel() {
    this.#fail(new ServerError("The utterance was given up."));
  }

  #greet() {
    if (this.failed) {
      this.#socket.close(1000);
      return;
    }
    this.#socket.send(JSON.stringify(this.#start));
    for (const message of this.#unsent.splice(0)) this.#socket.send(message);
  }

  #take({ type, ...content }, { onPartial, onEndpoint }) {
    if (type === "partial") onPartial(content);
    if (type === "endpoint") onEndpoint();
    if (type === "error") {
      const { code, message, request_id: requestId } = content.error;
      this.#fail(new ServerError(message, { code, requestId }));
    }
    if (type === "final") {
      this.#settle.resolve(content);
      this.#socket.close(1000);
    }
  }

  #fail(error) {
    this.failed = true;
    this.#settle.reject(error); // nothing, where there is an answer
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000); // else as soon as it is open
  }
}

function sendFeedback(feedback) {
  return request("feedback", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...feedback, session_id: sessionId() }),
    keepalive: true, // a click may lead away from the page
  });
}

/**
 * Send a request below `/v1/`; where the server is busy, again: after the time that it names, a little longer each time
 * and never at the same moment as others, at most four times in all.
 * @param {string} path
 * @param {object} options As of `fetch`, and `read`, which takes the answer's content; its JSON by default.
 * @returns {Promise<any>} What `read` gave.
 * @throws {ServerError}
 */
export async function request(path, options = {}) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await requestOnce(path, options);
    } catch (error) {
      const wait = error instanceof ServerError && error.asksAgain ? waitBefore(tried, error.retryAfterMs) : Infinity;
      if (tried === MOST_TRIES || wait > LONGEST_WAIT_MS) throw error;
      await pause(wait, options.signal);
    }
  }
}

/** Milliseconds until the next try: at least what the server asks for, at least twice the last, and some by chance. */
function waitBefore(tried, retryAfterMs) {
  const least = Math.max(retryAfterMs ?? 0, FIRST_WAIT_MS * 2 ** (tried - 1));
  return least + Math.random() * 0.5 * FIRST_WAIT_MS * 2 ** (tried - 1);
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

async function requestOnce(path, { signal, read = (response) => response.json(), ...options }) {
  const key = readKey();
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response;
  try {
    response = await fetch(new URL(path, BASE), {
      ...options,
      headers: { ...options.headers, ...(key && { authorization: `Bearer ${key}` }) },
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServerError(
      timeout.aborted
        ? `The server did not answer within ${TIMEOUT_MS / 1000} seconds.`
        : "The server cannot be reached. Is it running, and are you connected?",
    );
  }
  const body = await (response.ok ? read(response) : response.json()).catch(() => null);
  if (response.ok && body) return body;
  if (response.status === 401) {
    const given = await askForKey(key && body ? body.error.message : "Whoever runs it can give you one.");
    if (given) {
      writeKey(given);
      return requestOnce(path, { signal, read, ...options });
    }
  }
  const { code, message, request_id: requestId } = body?.error ?? {};
  throw new ServerError(message ?? `The server answered ${response.status} without a reason.`, {
    code: code ?? "unknown",
    status: response.status,
    requestId: requestId ?? "",
    retryAfterMs: 1000 * Number(response.headers.get("retry-after")) || null,
  });
}

const ids = new WeakMap();

/** An id for a recording: whoever sends it again, after a timeout or by hand, does not know whether it arrived. */
function idOf(recording) {
  if (!ids.has(recording)) ids.set(recording, randomId());
  return ids.get(recording);
}

function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is missing on plain HTTP
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let session = null;

/** An id for this tab, so that the server can tell a second try from a new person; gone when the tab closes. */
function sessionId() {
  try {
    session ??= sessionStorage.getItem("voicesearch-session");
  } catch {
    // storage is switched off: the id lasts as long as the page
  }
  if (!session) {
    session = randomId();
    try {
      sessionStorage.setItem("voicesearch-session", session);
    } catch {
      // as above
    }
  }
  return session;
}
