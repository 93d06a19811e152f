"use strict";
// The data of the page, its arrays when they are asked for, and small helpers to build elements.
// Names come from other people's files: they enter the page as text nodes and attributes, never as markup.

const DATA = JSON.parse(document.getElementById("data").textContent);
const TRACKERS = DATA.trackers;
const SEQUENCES = DATA.sequences;
const NO_SHARE = 65535;
const NO_OVERLAP = 255;

const unpacked = new Map();

function unpack(place, Type) {
  if (!unpacked.has(place)) {
    const text = atob(DATA.pool[place]);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    unpacked.set(place, new Type(bytes.buffer));
  }
  return unpacked.get(place);
}

const byId = (id) => document.getElementById(id);

// make("td", {class: "best"}, "text", child, …): an attribute that is null or false is left out.
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "line", "rect", "image", "title"].includes(tag);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// A sequence of whole numbers with a separator every three digits, whatever the reader's language.
const count = (number, noun) =>
  String(number).replace(/\B(?=(\d{3})+$)/g, ",") + (noun ? ` ${noun}${number === 1 ? "" : "s"}` : "");

const isKnown = (value) => value !== null && value !== undefined && Number.isFinite(value);

function formatValue(value, metric) {
  if (!isKnown(value)) return "–";
  return value.toFixed(metric.digits ?? 3);
}

// Black lines would vanish on a dark page.
function colorOf(tracker) {
  const dark = document.documentElement.dataset.theme === "dark";
  return dark && TRACKERS[tracker].color === "#000000" ? "#ffffff" : TRACKERS[tracker].color;
}

// On photographs black hides; the picture of the paper uses yellow too.
const colorOnImage = (tracker) => (TRACKERS[tracker].color === "#000000" ? "#F0E442" : TRACKERS[tracker].color);

const DASH_LENGTHS = { solid: null, dash: "7 3", dashdot: "7 3 2 3", dot: "2 3" };

function makeSwatch(tracker) {
  const dash = DASH_LENGTHS[TRACKERS[tracker].dash];
  const line = { x1: 1, x2: 33, y1: 6, y2: 6, stroke: colorOf(tracker), "stroke-width": 3, "stroke-dasharray": dash };
  return make("svg", { class: "swatch", viewBox: "0 0 34 12", "aria-hidden": "true" }, make("line", line));
}

// Rows of a table are sorted by a number or a text; what is not known comes last either way.
function compareBy(get, falling) {
  return (a, b) => {
    const x = get(a), y = get(b);
    const known = (value) => (typeof value === "number" ? Number.isFinite(value) : value !== null && value !== undefined);
    if (!known(x) || !known(y)) return known(y) - known(x);
    const order = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
    return falling ? -order : order;
  };
}

// A head cell that sorts. `sort` is {key, falling}; `first` says which way the first click sorts.
function makeSortHead(label, key, sort, falling, change, attributes = {}) {
  const active = sort.key === key;
  const arrow = active ? (sort.falling ? " ▼" : " ▲") : "";
  const click = () => change({ key, falling: active ? !sort.falling : falling });
  const direction = active ? (sort.falling ? "descending" : "ascending") : null;
  return make(
    "th",
    { scope: "col", "aria-sort": direction, ...attributes },
    make("button", { type: "button", "data-sort": key, onclick: click }, label + arrow),
  );
}

// Replace a table's content and keep the keyboard's place in it.
function fillTable(table, ...parts) {
  const active = table.contains(document.activeElement) ? document.activeElement : null;
  const mark = ["data-sort", "data-focus", "data-show"].find((name) => active && active.hasAttribute(name));
  const value = mark ? active.getAttribute(mark) : null;
  table.replaceChildren(...parts);
  if (mark) table.querySelector(`[${mark}="${CSS.escape(value)}"]`)?.focus();
}
