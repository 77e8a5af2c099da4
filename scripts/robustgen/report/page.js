"use strict";
// What the page does beyond what its markup can: it is complete without this script.

const ORDERED = 3; // rows, from which a table can be sorted
const FEW = 8; // rows, up to which a table needs no filter
const OPENED = 4; // groups of images, up to which a choice opens them all
const NUMBER = /^[<≈]?\s*([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?:\/(\d+))?/i;

/** The number that a cell begins with, fractions included; NaN where there is none. */
function leading(text) {
  if (text === "unbounded") return Infinity;
  const found = NUMBER.exec(text);
  return found ? Number(found[1]) / Number(found[2] ?? 1) : NaN;
}

/** The order of two cells: numbers before texts; with sign -1 the other way round, but cells in
 *  which nothing stands last in either.
 */
function compared(one, other, sign) {
  const [first, second] = [one, other].map((text) => text === "" || text === "–");
  if (first || second) return first - second;
  const [a, b] = [leading(one), leading(other)];
  if (!Number.isNaN(a) && !Number.isNaN(b)) return a === b ? 0 : sign * (a - b);
  if (Number.isNaN(a) !== Number.isNaN(b)) return sign * (Number.isNaN(a) ? 1 : -1);
  return sign * one.localeCompare(other, undefined, { numeric: true });
}

/** Let each heading of a table sort its rows: upwards, downwards, then as they were. */
function sortable(table) {
  const body = table.tBodies[0];
  const first = [...body.rows];
  if (first.length < ORDERED) return;
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[heading.ariaSort ?? "none"];
      const order = next === undefined ? "ascending" : next;
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (order) heading.setAttribute("aria-sort", order);
      const text = (row) => row.cells[column].textContent.trim();
      const sign = order === "descending" ? -1 : 1;
      body.append(...(order ? [...first].sort((a, b) => compared(text(a), text(b), sign)) : first));
    });
  });
}

/** Put a field above a table that shows only the rows with all of its words. */
function filterable(table) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= FEW) return;
  const field = document.createElement("label");
  field.className = "filter";
  field.innerHTML = 'Rows with <input type="search"> <output></output>';
  const [input, output] = field.children;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    output.value = words.length ? `${shown} of ${rows.length}` : "";
  });
  table.closest(".scroll").before(field);
}

/** Open whatever is folded around the place that the address names, and go there. */
function reveal() {
  const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let node = place; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
  place?.scrollIntoView();
}

/** Let a count of verdicts narrow the matrix to the claims with such a cell. */
function narrowing(badges) {
  const rows = [...document.querySelectorAll(".matrix tbody tr")];
  const buttons = badges.map((badge) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = badge.className;
    button.title = "Show only claims with such a cell, or all again";
    button.dataset.verdict = badge.dataset.verdict;
    button.setAttribute("aria-pressed", "false");
    button.append(...badge.childNodes);
    badge.replaceWith(button);
    return button;
  });
  const choose = (chosen) => {
    const pressed = chosen.ariaPressed !== "true";
    for (const button of buttons) button.ariaPressed = String(pressed && button === chosen);
    const has = (row) => row.querySelector(`.chip[title="${CSS.escape(chosen.dataset.verdict)}"]`);
    for (const row of rows) row.hidden = pressed && !has(row);
  };
  for (const button of buttons) button.addEventListener("click", () => choose(button));
}

/** A field to choose one of several values, or all. */
function choice(label, values) {
  const field = document.createElement("label");
  field.className = "filter";
  field.append(label, document.createElement("select"));
  for (const [value, text] of [["", "all"], ...values]) field.lastChild.add(new Option(text, value));
  return field;
}

/** Let the reader choose which images are shown: by model, by attack, and by what came out. */
function browsable(groups) {
  const unique = (name) => [...new Set(groups.map((group) => group.dataset[name]))].map((one) => [one, one]);
  const outcomes = {
    wrong: (image) => image.wrong === "1",
    unseen: (image) => image.wrong === "1" && image.flags === "0",
    flagged: (image) => image.flags !== "0",
  };
  const texts = { wrong: "misclassified", unseen: "misclassified, not flagged", flagged: "flagged" };
  const fields = [
    choice("Model", unique("model")),
    choice("Attack", unique("attack")),
    choice("Attacked images that are", Object.entries(texts)),
  ];
  const said = document.createElement("output");
  const chosen = () => fields.map((field) => field.lastChild.value);
  const update = () => {
    const [model, attack, outcome] = chosen();
    let images = 0;
    for (const group of groups) {
      const { dataset } = group;
      group.hidden = Boolean((model && dataset.model !== model) || (attack && dataset.attack !== attack));
      for (const image of group.querySelectorAll("li")) image.hidden = Boolean(outcome && !outcomes[outcome](image.dataset));
      images += group.hidden ? 0 : group.querySelectorAll("li:not([hidden])").length;
    }
    const shown = groups.filter((group) => !group.hidden);
    for (const group of shown) group.open = shown.length <= OPENED;
    said.value = `${images} images in ${shown.length} of ${groups.length} groups`;
  };
  const box = document.createElement("div");
  box.className = "choices";
  box.append(...fields, said);
  box.addEventListener("change", update);
  groups[0].before(box);
}

narrowing([...document.querySelectorAll("#claims .counts .badge")]);
const shots = [...document.querySelectorAll(".shots")];
if (shots.length) browsable(shots);
for (const table of document.querySelectorAll("table.sorts")) {
  sortable(table);
  filterable(table);
}
addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  if (link && link.hash === location.hash) reveal(); // which changes no address
});
if (location.hash) reveal();
