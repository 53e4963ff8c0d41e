// Lists the error reports.

import { request } from "./client.js";
import { element } from "./elements.js";
import { readKey } from "./memory.js";
import { showFailure, showNotice } from "./notices.js";

async function show() {
  try {
    const { reports } = await request("admin/reports");
    document.getElementById("reports").replaceChildren(...reports.map(entry));
    if (reports.length) return;
    showNotice({ title: "There are no reports yet.", remedy: "Write one:", code: "voicesearch asr report test.jsonl" });
  } catch (error) {
    showFailure(error, show);
  }
}

function entry({ name, written, bytes }) {
  const at = new Date(written).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const about = element("span", { className: "quiet" }, `${at} · ${(bytes / 1e6).toFixed(1)} MB`);
  const path = `admin/reports/${encodeURIComponent(name)}`;
  const link = element("a", { href: `v1/${path}` }, name.replace(/\.html$/, ""), about);
  link.addEventListener("click", (event) => {
    if (!readKey()) return; // this machine needs none: the browser opens the page itself
    event.preventDefault();
    request(path, { read: (response) => response.blob() }).then((page) => keep(name, page)).catch((error) => showFailure(error));
  });
  return element("li", {}, link);
}

/** Save a report; a link cannot carry the key, and a report opens from disk just as well. */
function keep(name, page) {
  const url = URL.createObjectURL(page);
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

show();
