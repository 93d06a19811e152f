// Success and precision plots under the filter, and the same files under every convention.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Named one by one: Plotly's own choice holds a button that would send the figure to a server.
const CONFIG = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
const IN_LEGEND = 10;

// Tracker names are other people's: Plotly reads a little markup in texts, so its special signs are taken out.
const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

function makeLayout(more) {
  const axis = { gridcolor: css("--grid"), zerolinecolor: css("--grid"), linecolor: css("--line"), showline: true, mirror: true };
  const { xaxis, yaxis, ...rest } = more;
  return {
    paper_bgcolor: css("--paper"), plot_bgcolor: css("--paper"), hovermode: "closest",
    font: { family: 'system-ui, "DejaVu Sans", sans-serif', color: css("--ink"), size: 13 },
    margin: { l: 62, r: 16, t: 66, b: 62 },
    hoverlabel: { namelength: -1 },
    xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis }, ...rest,
  };
}

// A plot on paper: the width of a page of A4 or Letter between its margins. Plotly cannot measure a page.
const PAPER_WIDTH = 680;

// The element has the height, not the layout: Plotly drops the layout's when the window changes.
function draw(plot, traces, { height, ...layout }) {
  plot.style.height = `${height}px`;
  const size = state.printing ? { autosize: false, width: PAPER_WIDTH, height } : { autosize: true };
  Plotly.react(plot, traces, { ...layout, ...size }, CONFIG);
}

// A tracker's line: as in the other pictures of a report; while one is highlighted the others step back.
function makeLine(tracker, width) {
  const { dash } = TRACKERS[tracker];
  const far = state.focus !== null && state.focus !== tracker;
  return { line: { color: colorOf(tracker), dash, width: state.focus === tracker ? width + 1.8 : width }, opacity: far ? 0.22 : 1 };
}

const shownTrackers = () => TRACKERS.map((_, tracker) => tracker).filter((tracker) => state.shown.has(tracker));

function renderCurves() {
  const home = byId("curves"), plots = new Map(listVotPlots());
  for (const [kind, curve] of Object.entries(convention().curves)) plots.set(kind, (plot) => renderCurve(plot, kind, curve));
  for (const old of [...home.children]) {
    if (!plots.has(old.dataset.kind)) { Plotly.purge(old); old.remove(); }
  }
  // All are there before one is drawn, so that each takes its final width.
  for (const kind of plots.keys()) {
    if (!byId(`plot-${kind}`)) home.append(make("div", { class: "plot", id: `plot-${kind}`, "data-kind": kind, role: "img" }));
  }
  for (const [kind, render] of plots) render(byId(`plot-${kind}`));
}

// What stands above a plot: what it is, and of which sequences.
function makeTitle(what) {
  const text = plain(shorten(`${what} – ${describeFilter() || "all sequences"} (${state.chosen.length})`, 70));
  return { text, font: { size: 14 }, xref: "paper", x: 0, xanchor: "left", yref: "paper", y: 1, yanchor: "bottom", pad: { b: 10 } };
}

function describePlot(plot, what, trackers) {
  const title = `${what} – ${describeFilter() || "all sequences"} (${state.chosen.length})`;
  plot.setAttribute("aria-label", `${title}, ${count(trackers, "tracker")}. The ranking table holds the scores.`);
}

function renderCurve(plot, kind, curve) {
  const metric = findMetric(curve.metric);
  const values = metric ? summarize(state.convention, metric, false).values : TRACKERS.map(() => NaN);
  const order = shownTrackers().sort(compareBy((tracker) => values[tracker], true));
  const traces = [];
  for (const tracker of order) {
    const y = computeMeanCurve(curve, tracker, state.chosen);
    if (!y) continue;
    const { name, many, symbol } = TRACKERS[tracker];
    traces.push({
      type: "scatter", x: curve.x, y, name: plain(`[${formatValue(values[tracker], metric ?? {})}] ${name}`),
      mode: many ? "lines+markers" : "lines", marker: { symbol, size: 6, maxdisplayed: 9 },
      hovertemplate: `%{y:.3f} at %{x}<extra>${plain(name)}</extra>`, ...makeLine(tracker, 2),
    });
  }
  const inside = traces.length <= IN_LEGEND;
  const corner = kind === "success" ? { x: 0.02, y: 0.02, yanchor: "bottom" } : { x: 0.98, xanchor: "right", y: 0.02, yanchor: "bottom" };
  draw(plot, traces, makeLayout({
    height: 430,
    title: makeTitle(curve.title),
    showlegend: inside && traces.length > 0,
    legend: { ...corner, bgcolor: css("--paper") + "cc", font: { size: 11.5 }, title: { text: curve.metricTitle, font: { size: 11 } } },
    xaxis: { title: { text: curve.labels[0], standoff: 10 }, range: [0, curve.x.at(-1)] },
    yaxis: { title: { text: curve.labels[1] }, range: [0, 1.005] },
  }));
  describePlot(plot, curve.title, traces.length);
}

const CONVENTION_SYMBOLS = ["circle", "diamond", "square", "triangle-up", "x", "cross", "star", "hexagon", "triangle-down"];

function renderSpread() {
  const part = byId("spread-part"), plot = byId("plot-spread");
  const trackers = shownTrackers();
  const spreads = new Map(trackers.map((tracker) => [tracker, computeSpread(tracker)]).filter(([, spread]) => spread));
  part.hidden = !spreads.size;
  if (part.hidden) return;
  const metric = rankingMetric(), summary = summarize(state.convention, metric, false);
  const order = [...spreads.keys()].sort(compareBy((tracker) => summary.values[tracker], !metric.higher));
  const names = [...new Set(order.flatMap((tracker) => spreads.get(tracker).found.map((one) => one.name)))];
  const colors = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", css("--ink")];
  const traces = [{
    type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false, line: { color: css("--line"), width: 5 },
    x: order.flatMap((tracker) => [spreads.get(tracker).low, spreads.get(tracker).high, null]),
    y: order.flatMap((tracker, row) => [row, row, null]),
  }];
  names.forEach((name, place) => {
    const points = order.map((tracker, row) => ({ row, tracker, one: spreads.get(tracker).found.find((one) => one.name === name) })).filter((point) => point.one);
    traces.push({
      type: "scatter", mode: "markers", name: plain(name), x: points.map((point) => point.one.value), y: points.map((point) => point.row),
      text: points.map((point) => plain(TRACKERS[point.tracker].name)),
      marker: { symbol: CONVENTION_SYMBOLS[place % 9], size: 10, color: colors[place % 7], line: { width: 1, color: css("--paper") } },
      hovertemplate: "%{text}: %{x:.3f}<extra>%{fullData.name}</extra>",
    });
  });
  const widest = [...spreads].reduce((best, entry) => (entry[1].high - entry[1].low > best[1].high - best[1].low ? entry : best));
  const apart = (widest[1].high - widest[1].low).toFixed(4);
  byId("spread-note").textContent =
    `${metric.name} of the same result files, counted by each convention that defines it. ` +
    (Number(apart) ? `Farthest apart: ${TRACKERS[widest[0]].name}, by ${apart}.` : "Here they agree.") +
    " Numbers under different conventions do not compare.";
  draw(plot, traces, makeLayout({
    height: 140 + 26 * order.length,
    margin: { l: 16, r: 16, t: 66, b: 62 },
    showlegend: true, legend: { orientation: "h", y: 1, yanchor: "bottom", x: 0 },
    xaxis: { title: { text: metric.name, standoff: 10 } },
    yaxis: { tickvals: order.map((_, row) => row), ticktext: order.map((tracker) => plain(shortenName(TRACKERS[tracker].name, 40))), range: [-0.6, order.length - 0.4], automargin: true },
  }));
  plot.setAttribute("aria-label", `${metric.name} by convention. ${byId("spread-note").textContent}`);
}

const shorten = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);

// Names of variants begin alike, and often differ at the end: what is left out is the middle.
function shortenName(name, length) {
  const tail = Math.floor((length - 1) / 2);
  return name.length > length ? name.slice(0, length - 1 - tail) + "…" + name.slice(-tail) : name;
}
