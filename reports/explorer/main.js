// Controls, views and themes: the one place that listens.

const VIEWS = {
  overview: () => { renderRanking(); renderCurves(); renderSpread(); },
  sequences: renderSequences,
  sequence: renderSequence,
  provenance: renderProvenance,
};

function renderView() {
  for (const view of Object.keys(VIEWS)) byId(`view-${view}`).hidden = view !== state.view;
  byId("controls").hidden = state.view === "provenance";
  byId("filter").hidden = state.view === "sequence" || !DATA.attributes.length;
  byId("state").textContent = describeState();
  byId("state").hidden = state.view === "sequence";
  for (const link of document.querySelectorAll("nav a")) {
    const target = link.dataset.view ?? link.getAttribute("href").slice(2);
    if (target === state.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (link.dataset.view) link.setAttribute("href", `#/sequence/${state.sequence}`);
  }
  VIEWS[state.view]();
}

// The address says which view is open, so that the browser's way back works.
function followAddress() {
  const [, view, number] = location.hash.split("/");
  state.view = Object.hasOwn(VIEWS, view ?? "") ? view : "overview";
  if (state.view === "sequence") state.sequence = Math.min(Math.max(parseInt(number, 10) || 0, 0), SEQUENCES.length - 1);
  renderView();
}

function goTo(sequence) {
  if (sequence >= 0 && sequence < SEQUENCES.length) location.hash = `#/sequence/${sequence}`;
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", `Change to the ${theme === "dark" ? "light" : "dark"} theme`);
}

function changeConvention(place) {
  state.convention = place;
  state.rankingSort = null;
  byId("meaning").querySelector("p").textContent = `${convention().meaning} Source: ${convention().source}.`;
}

function fillControls() {
  const { name, frames } = DATA.benchmark;
  byId("benchmark").textContent = name;
  byId("facts").textContent = [count(SEQUENCES.length, "sequence"), count(frames, "frame"), count(TRACKERS.length, "tracker")].join(" · ");
  byId("footer").textContent = `Made by ${DATA.suite}. Everything on this page is in this one file; nothing is loaded from a network.`;
  const official = (one) => (one.name === DATA.benchmark.convention ? `${one.name} (official)` : one.name);
  byId("convention").replaceChildren(...DATA.conventions.map((one, place) => new Option(official(one), String(place))));
  byId("sequence-choice").replaceChildren(...SEQUENCES.map((one, place) => new Option(one.name, String(place))));
  byId("attributes").replaceChildren(
    ...DATA.attributes.map((one, place) => {
      const box = make("input", { type: "checkbox", value: place, "data-attribute": one.id });
      box.addEventListener("change", () => {
        state.attributes[box.checked ? "add" : "delete"](place);
        applyFilter();
        renderView();
      });
      const short = one.id.toUpperCase() === one.id ? ` ${one.id}` : "";
      return make("label", {}, box, one.name, make("small", {}, `${short} ${one.count}`));
    }),
  );
}

function showTrackers(trackers) {
  state.shown = new Set(trackers);
  renderView();
}

const ROWS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

// In a table, the arrows go to the same control of the next row: hundreds of rows are far for the tabulator.
function moveInTable(event) {
  const cell = event.target.closest("tr > *"), step = ROWS[event.key];
  if (!cell || !step || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = [...cell.closest("table").tBodies[0].rows], column = cell.cellIndex;
  const target = rows[Math.min(Math.max(rows.indexOf(cell.parentElement) + step, 0), rows.length - 1)];
  const control = target?.cells[column]?.querySelector("a, button, input") ?? target?.querySelector("a, button, input");
  if (!control) return;
  event.preventDefault();
  control.focus();
}

function listen() {
  const on = (id, kind, action) => byId(id).addEventListener(kind, action);
  const all = TRACKERS.map((_, tracker) => tracker);
  on("convention", "change", (event) => { changeConvention(Number(event.target.value)); renderView(); });
  for (const radio of document.querySelectorAll("input[name=mode]")) {
    radio.addEventListener("change", () => { state.mode = radio.value; applyFilter(); renderView(); });
  }
  on("clear", "click", () => {
    state.attributes.clear();
    for (const box of document.querySelectorAll("#attributes input")) box.checked = false;
    applyFilter();
    renderView();
  });
  on("find-tracker", "input", renderRanking);
  on("show-all", "click", () => showTrackers(all));
  on("show-none", "click", () => showTrackers([]));
  on("show-top", "click", () => {
    const metric = rankingMetric(), { values } = summarize(state.convention, metric, false);
    showTrackers([...all].sort(compareBy((tracker) => values[tracker], metric.higher)).slice(0, 5));
  });
  on("sequence-metric", "change", (event) => { state.sequenceMetric = event.target.value; renderSequences(); });
  on("find-sequence", "input", renderSequences);
  on("previous", "click", () => goTo(state.sequence - 1));
  on("next", "click", () => goTo(state.sequence + 1));
  on("sequence-choice", "change", (event) => goTo(Number(event.target.value)));
  on("theme", "click", () => { setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); renderView(); });
  // The address names the view, so this link must not become the address.
  document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
  document.addEventListener("keydown", moveInTable);
  document.addEventListener("keydown", (event) => {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (state.view !== "sequence" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n") goTo(state.sequence + 1);
    if (event.key === "p") goTo(state.sequence - 1);
  });
  window.addEventListener("hashchange", () => { followAddress(); byId("main").focus({ preventScroll: true }); window.scrollTo(0, 0); });
  // Paper is white, whatever the screen is.
  let before = "light";
  window.addEventListener("beforeprint", () => { before = document.documentElement.dataset.theme; setTheme("light"); state.printing = true; renderView(); });
  window.addEventListener("afterprint", () => { setTheme(before); state.printing = false; renderView(); });
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
fillControls();
changeConvention(0);
applyFilter();
listen();
followAddress();
