// What this browser keeps: the person's name, and what was typed for clips that have no label yet.

const NAME = "voicesearch-reviewer";
const DRAFT = "voicesearch-draft:";

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

const here = new Map(); // where storage is switched off, for as long as the page is open

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return here.get(key) ?? null;
  }
}

function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    here.set(key, value);
  }
}
