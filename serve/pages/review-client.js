// What the review page asks of the server.

import { request } from "./client.js";

/** Lease the next clip to a person: `{held, nothing, finished, progress}`. */
export function takeNext(person) {
  return send("POST", "leases", { person });
}

/** Begin a lease's time anew; refused with 404 where the clip went to somebody else. */
export function renew(lease) {
  return send("PUT", `leases/${lease}`);
}

/** Give a clip back without a label; reaches the server even while the page closes. */
export function giveBack(lease) {
  return send("DELETE", `leases/${lease}`, undefined, { keepalive: true });
}

/** Keep a label; `seconds` is how long it took. */
export function keepLabel(lease, text, seconds) {
  return send("POST", `leases/${lease}/label`, { text, seconds });
}

/** Pass a clip on to somebody else. */
export function skipClip(lease) {
  return send("POST", `leases/${lease}/skip`);
}

/** Get a clip's sound, as a Blob. */
export function fetchSound(lease, signal) {
  return send("GET", `leases/${lease}/audio`, undefined, { signal, read: (response) => response.blob() });
}

/** Hold a text to the convention: `{fixed, violations}`. */
export function checkText(text, signal) {
  return send("POST", "check", { text }, { signal });
}

/** Read the convention: `{identifier, rules}`. */
export function readConvention() {
  return send("GET", "convention");
}

function send(method, path, body, options = {}) {
  const content = body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return request(`review/${path}`, { method, ...content, ...options });
}
