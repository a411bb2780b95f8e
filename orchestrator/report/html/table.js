// Tables that sort and filter; without this script they are plain tables.
"use strict";
(() => {
  const SIZES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, ms: 1e-3, us: 1e-6, min: 60, h: 3600 };

  // The number that a cell begins with, sizes and durations in their base unit; null if it begins with none.
  function numberOf(words) {
    const match = /^(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s?(KiB|MiB|GiB|TiB|ms|us|min|h)?(?=$|[\s,%/])/.exec(words);
    return match ? Number(match[1]) * (SIZES[match[2]] || 1) : null;
  }

  function compare(a, b) {
    if (a === "-" || b === "-") return (a === "-") - (b === "-");
    const [x, y] = [numberOf(a), numberOf(b)];
    if (x !== null && y !== null && x !== y) return x - y;
    return a.localeCompare(b, "en", { numeric: true });
  }

  function sort(table, column, ascending) {
    const body = table.tBodies[0];
    const keyed = Array.from(body.rows, (row) => [row.cells[column].textContent, row]);
    const last = (words) => words === "-";
    keyed.sort(([a], [b]) => (ascending || last(a) || last(b) ? compare(a, b) : compare(b, a)));
    body.append(...keyed.map(([, row]) => row));
  }

  function makeSortable(table, status) {
    Array.from(table.tHead.rows[0].cells).forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const ascending = heading.getAttribute("aria-sort") !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sort(table, column, ascending);
        status.textContent = `sorted by ${button.textContent}, ${ascending ? "ascending" : "descending"}`;
      });
    });
  }

  // A row is shown if it holds every one of the words; -word: if it does not hold it.
  function filter(table, wanted, status) {
    const words = wanted.toLowerCase().split(/\s+/).filter((word) => word && word !== "-");
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = Array.from(row.cells, (cell) => cell.textContent).join(" ").toLowerCase();
      row.hidden = !words.every((word) => (word.startsWith("-") ? !text.includes(word.slice(1)) : text.includes(word)));
      shown += !row.hidden;
    }
    status.textContent = `${shown} of ${table.tBodies[0].rows.length} rows`;
  }

  for (const table of document.querySelectorAll("table.data")) {
    const tools = document.createElement("div");
    tools.className = "tools";
    const label = document.createElement("label");
    label.textContent = "Show rows with ";
    const input = document.createElement("input");
    input.type = "search";
    input.placeholder = "words, -without";
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    label.append(input);
    tools.append(label, status);
    const box = table.parentElement;
    const scrolls = box.parentElement.querySelector(`.scrolls[data-table="${table.id}"]`);
    scrolls.before(tools);
    input.addEventListener("input", () => filter(table, input.value, status));
    makeSortable(table, status);
    // A table that is cut off looks complete on screens without scroll bars.
    const tell = () => { scrolls.hidden = box.scrollWidth <= box.clientWidth; };
    new ResizeObserver(tell).observe(box);
  }
})();
