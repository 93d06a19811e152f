// The ranking table: values with intervals under the filter, and how far the conventions lie apart.

// Values of the ranking metric under every convention that has it, for one tracker.
function computeSpread(tracker) {
  const id = rankingMetric().id;
  const found = [];
  DATA.conventions.forEach((one, place) => {
    const metric = one.metrics.find((candidate) => candidate.id === id);
    if (!metric) return;
    const value = summarize(place, metric, false).values[tracker];
    if (isKnown(value)) found.push({ name: one.name, value });
  });
  if (found.length < 2) return null;
  const values = found.map((one) => one.value);
  return { found, low: Math.min(...values), high: Math.max(...values) };
}

// A sequence may weigh nothing in one metric: VOT's accuracy where the target was lost at once.
const countScored = (tracker) =>
  Math.max(...convention().metrics.map((metric) => summarize(state.convention, metric, false).scored[tracker]));

const isWhole = (tracker) => countScored(tracker) === state.chosen.length;

// Places by the convention's first metric: what is not scored on every chosen sequence has none.
function computeRanks() {
  const metric = rankingMetric(), summary = summarize(state.convention, metric, false);
  const ranked = TRACKERS.map((_, tracker) => tracker).filter(
    (tracker) => isKnown(summary.values[tracker]) && isWhole(tracker) && state.chosen.length,
  );
  const better = (a, b) => (metric.higher ? summary.values[a] > summary.values[b] : summary.values[a] < summary.values[b]);
  return new Map(ranked.map((tracker) => [tracker, 1 + ranked.filter((other) => better(other, tracker)).length]));
}

function renderRanking() {
  const metrics = convention().metrics, ranks = computeRanks();
  const summaries = metrics.map((metric) => summarize(state.convention, metric, true));
  const spreads = DATA.conventions.length > 1 ? TRACKERS.map((_, tracker) => computeSpread(tracker)) : null;
  const sort = state.rankingSort ?? { key: "rank", falling: false };
  const getters = {
    rank: (tracker) => ranks.get(tracker) ?? NaN,
    name: (tracker) => TRACKERS[tracker].name,
    scored: countScored,
    spread: (tracker) => (spreads?.[tracker] ? spreads[tracker].high - spreads[tracker].low : NaN),
  };
  metrics.forEach((metric, place) => (getters[metric.id] = (tracker) => summaries[place].values[tracker]));
  const get = getters[sort.key] ?? getters.rank;
  const text = byId("find-tracker").value.trim().toLowerCase();
  const rows = TRACKERS.map((_, tracker) => tracker)
    .filter((tracker) => TRACKERS[tracker].name.toLowerCase().includes(text))
    .sort(compareBy(get, sort.falling));
  const change = (next) => { state.rankingSort = next; renderRanking(); };
  const head = make(
    "tr", {},
    make("th", { scope: "col" }, "Plot"),
    makeSortHead("Rank", "rank", sort, false, change),
    makeSortHead("Tracker", "name", sort, false, change, { class: "left" }),
    ...metrics.map((metric) => makeSortHead(`${metric.name} ${metric.higher ? "↑" : "↓"}`, metric.id, sort, metric.higher, change)),
    makeSortHead("Sequences", "scored", sort, true, change),
    spreads ? makeSortHead(`${rankingMetric().name} across conventions`, "spread", sort, true, change) : null,
  );
  const marks = metrics.map((metric, place) => findMarks(metric, summaries[place], ranks));
  const body = rows.map((tracker) => makeRankingRow(tracker, metrics, summaries, marks, ranks, spreads));
  const brackets = "in brackets its 95 % bootstrap interval over sequences";
  const caption = `Scores on ${DATA.benchmark.name}. ${describeState()} Under a value, ${brackets}.`;
  fillTable(byId("ranking"), make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
  byId("ranking-note").textContent = describeRanking(metrics, ranks);
}

// Best and second among the trackers that compare; speeds are the machine's and have no mark.
function findMarks(metric, summary, ranks) {
  const values = [...ranks.keys()].map((tracker) => summary.values[tracker]).filter(isKnown).map((value) => formatValue(value, metric));
  const order = [...new Set(values)].sort((a, b) => (metric.higher ? b - a : a - b));
  return (tracker) => {
    if (metric.speed || !ranks.has(tracker) || ranks.size < 2) return null;
    const place = order.indexOf(formatValue(summary.values[tracker], metric));
    return ["best", "second"][place] ?? null;
  };
}

function makeRankingRow(tracker, metrics, summaries, marks, ranks, spreads) {
  const { name, contended } = TRACKERS[tracker];
  const box = make("input", { type: "checkbox", "data-show": tracker, "aria-label": `Draw ${name} in the plots` });
  box.checked = state.shown.has(tracker);
  box.addEventListener("change", () => {
    state.shown[box.checked ? "add" : "delete"](tracker);
    renderView();
  });
  const label = make(
    "button",
    {
      type: "button", class: "name", "data-focus": tracker, "aria-pressed": String(state.focus === tracker),
      title: `Highlight ${name} in the plots`,
      onclick: () => { state.focus = state.focus === tracker ? null : tracker; renderView(); },
    },
    name,
  );
  const cells = metrics.map((metric, place) => {
    const value = summaries[place].values[tracker], interval = summaries[place].intervals[tracker];
    const text = formatValue(value, metric) + (metric.speed && contended && isKnown(value) ? " †" : "");
    const ends = interval ? make("small", {}, `[${formatValue(interval[0], metric)}, ${formatValue(interval[1], metric)}]`) : null;
    return make("td", { class: marks[place](tracker), "data-metric": metric.id }, text, ends);
  });
  const scored = countScored(tracker);
  const spread = spreads?.[tracker];
  const range = spread ? `${spread.low.toFixed(3)} – ${spread.high.toFixed(3)}` : "–";
  const width = spread ? make("small", {}, `${(spread.high - spread.low).toFixed(4)} apart`) : null;
  return make(
    "tr",
    { class: [state.focus === tracker ? "focused" : "", ranks.has(tracker) ? "" : "partial"].join(" ").trim() || null },
    make("td", {}, box),
    make("td", {}, ranks.has(tracker) ? String(ranks.get(tracker)) : "–"),
    make("th", { scope: "row", title: name }, makeSwatch(tracker), label),
    ...cells,
    make("td", {}, `${scored}/${state.chosen.length}`),
    spreads ? make("td", {}, range, width) : null,
  );
}

function describeRanking(metrics, ranks) {
  const parts = [];
  if (!state.chosen.length) parts.push("No sequence has all of the chosen attributes.");
  else if (TRACKERS.some((_, tracker) => !isWhole(tracker))) parts.push("Trackers that are not scored on every chosen sequence have no rank: their values do not compare.");
  const fixed = metrics.filter((metric) => !metric.mean).map((metric) => metric.name);
  if (fixed.length && state.attributes.size > 1) parts.push(`${fixed.join(", ")}: no mean over sequences, so there is no value for several attributes at once.`);
  const reasons = new Map();
  for (const [tracker, name, reason] of convention().reasons) {
    const key = `${name} is not defined: ${reason}`;
    reasons.set(key, [...(reasons.get(key) ?? []), tracker]);
  }
  for (const [key, trackers] of reasons) parts.push(`${trackers.join(", ")}: ${key}.`);
  if (state.attributes.size) parts.push(`Intervals under a filter are drawn in this page, ${count(N_DRAWS)} times with a fixed seed; those of the whole benchmark are the leaderboard's (10,000 draws).`);
  if (TRACKERS.some((tracker) => tracker.contended)) parts.push("† measured with more workers × threads than cores.");
  return parts.join(" ");
}
