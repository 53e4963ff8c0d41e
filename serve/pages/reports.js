// Lists the error reports.

import { request } from "./client.js";
import { element } from "./elements.js";
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
  const link = element("a", { href: `v1/admin/reports/${encodeURIComponent(name)}` }, name.replace(/\.html$/, ""), about);
  return element("li", {}, link);
}

show();
