// The prioritisation table: ease and importance are a person's, rank follows.

const FOLDED = 15;

function priorities(report) {
  const body = document.querySelector("#table tbody");
  const key = `voicesearch priorities ${report}`;
  const rows = [...body.querySelectorAll("tr[data-name]")];
  const weight = (row, name) => Number(row.querySelector(`[data-weight="${name}"]`).value);
  const weighed = (row) => Number(row.dataset.potential) * weight(row, "ease") * weight(row, "importance");
  const isJudged = (row) => !row.classList.contains("too_few");
  let open = false;

  function rank() {
    rows.sort((a, b) => isJudged(b) - isJudged(a) || weighed(b) - weighed(a));
    rows.forEach((row, place) => {
      row.querySelector(".rank").textContent = isJudged(row) ? place + 1 : "";
      row.classList.toggle("folded", !open && place >= FOLDED);
    });
    body.append(...rows);
    const more = document.getElementById("more-rows");
    more.hidden = rows.length <= FOLDED;
    more.textContent = open ? "Show fewer" : `Show all ${rows.length}`;
  }

  function keep() {
    const given = rows.map((row) => [row.dataset.name, weight(row, "ease"), weight(row, "importance")]);
    try {
      localStorage.setItem(key, JSON.stringify(given));
    } catch {
      // This browser keeps nothing.
    }
  }

  try {
    const kept = new Map(JSON.parse(localStorage.getItem(key) ?? "[]").map(([name, ...given]) => [name, given]));
    for (const row of rows) {
      const given = kept.get(row.dataset.name);
      if (given) [row.querySelector('[data-weight="ease"]').value, row.querySelector('[data-weight="importance"]').value] = given;
    }
  } catch {
    // Nothing was kept.
  }
  body.addEventListener("change", () => {
    keep();
    rank();
  });
  document.getElementById("more-rows").addEventListener("click", () => {
    open = !open;
    rank();
  });
  document.getElementById("save-priorities").addEventListener("click", () => {
    const cells = (row) => [...row.children].map((cell) => cell.querySelector("select")?.value ?? cell.querySelector("button")?.textContent ?? cell.firstChild?.textContent ?? "");
    const header = ["rank", "slice", "clips", "accuracy", "interval", "people", "gap", "share", "potential", "", "share of errors", "wrong", "ease", "importance"];
    const wanted = (list) => list.filter((_, column) => column !== 9);
    const table = rows.map((row) => wanted(cells(row).with(4, row.children[4].querySelector("small").textContent)));
    save("priorities.csv", csv([wanted(header), ...table]));
  });
  rank();
}
