// What this browser keeps: a key, the person's name, what was typed for clips that have no label yet, the lease of this tab.

const KEY = "voicesearch-key";
const NAME = "voicesearch-reviewer";
const DRAFT = "voicesearch-draft:";
const LEASE = "voicesearch-lease";

/** The key that the server was last asked with, or null. */
export function readKey() {
  return read(KEY);
}

export function writeKey(key) {
  write(KEY, key);
}

export function readName() {
  return read(NAME) ?? "";
}

export function writeName(name) {
  write(NAME, name);
}

/** What was typed for a clip, or null. */
export function readDraft(clip) {
  return read(DRAFT + clip);
}

/** Keep what was typed for a clip; null forgets it. */
export function writeDraft(clip, text) {
  write(DRAFT + clip, text);
}

/** The lease that this tab had before it was reloaded, or null. */
export function readLease() {
  return read(LEASE, () => sessionStorage);
}

export function writeLease(lease) {
  write(LEASE, lease, () => sessionStorage);
}

const here = new Map(); // where storage is switched off, for as long as the page is open

function read(key, storage = () => localStorage) {
  try {
    return storage().getItem(key);
  } catch {
    return here.get(key) ?? null;
  }
}

function write(key, value, storage = () => localStorage) {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, value);
  } catch {
    here.set(key, value);
  }
}
