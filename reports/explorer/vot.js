// VOT's plots: expected overlap by length of a run, the ranking by EAO, accuracy against robustness.
// What has no value under a filter is left out; the note below the ranking says so.

// Kind and function of each plot for which there are values, in the order of the page.
function listVotPlots() {
  const known = (id) => {
    const metric = findMetric(id);
    return metric && summarize(state.convention, metric, false).values.some(isKnown);
  };
  const found = [];
  if (known("eao")) {
    if (findEaoCurves()) found.push(["eao", renderEaoCurves]);
    found.push(["eao-ranking", renderEaoRanking]);
  }
  if (known("accuracy") && known("robustness")) found.push(["accuracy-robustness", renderAccuracyRobustness]);
  return found;
}

// A place in the pool for each tracker; null under several attributes, for which evaluation has no curve.
function findEaoCurves() {
  const { eao } = convention();
  if (!eao || state.attributes.size > 1) return null;
  const [single] = state.attributes;
  const curves = single === undefined ? eao.overall : eao.byAttribute[single];
  return curves.some((place) => place !== null) ? curves : null;
}

function orderBy(id) {
  const metric = findMetric(id), { values } = summarize(state.convention, metric, false);
  const order = shownTrackers().filter((tracker) => isKnown(values[tracker]));
  return { metric, values, order: order.sort(compareBy((tracker) => values[tracker], metric.higher)) };
}

function renderEaoCurves(plot) {
  const curves = findEaoCurves(), { window } = convention().eao, { metric, values, order } = orderBy("eao");
  const traces = order.filter((tracker) => curves[tracker] !== null).map((tracker) => {
    const { name, many, symbol } = TRACKERS[tracker];
    // Runs of 0 frames have an expected overlap by definition.
    const shares = unpack(curves[tracker], Uint16Array).subarray(1);
    return {
      type: "scatter", x: Array.from(shares, (_, i) => i + 1), y: Array.from(shares, (share) => (share === NO_SHARE ? null : share / (NO_SHARE - 1))),
      name: plain(`[${formatValue(values[tracker], metric)}] ${name}`), mode: many ? "lines+markers" : "lines", marker: { symbol, size: 6, maxdisplayed: 9 },
      hovertemplate: `%{y:.3f} in %{x} frames<extra>${plain(name)}</extra>`, ...makeLine(tracker, 2),
    };
  });
  const longest = Math.max(2, ...traces.map((trace) => trace.x.length));
  draw(plot, traces, makeLayout({
    height: 430,
    title: makeTitle("Expected overlap"),
    showlegend: traces.length > 0 && traces.length <= IN_LEGEND,
    legend: { x: 0.98, xanchor: "right", y: 0.98, bgcolor: css("--paper") + "cc", font: { size: 11.5 }, title: { text: "[EAO]", font: { size: 11 } } },
    xaxis: { title: { text: "Sequence length [frames]" + (window ? `; EAO: mean over ${window[0]}–${window[1]}` : ""), standoff: 10 }, range: [1, longest] },
    yaxis: { title: { text: "Expected overlap" }, range: [0, 1.005] },
    shapes: window ? [{ type: "rect", layer: "below", xref: "x", yref: "paper", x0: window[0], x1: Math.min(window[1], longest), y0: 0, y1: 1, fillcolor: css("--grid"), line: { width: 0 } }] : [],
  }));
  describePlot(plot, "Expected overlap", traces.length);
}

function makePoint(tracker, x, y, hover) {
  const { name, symbol } = TRACKERS[tracker];
  const far = state.focus !== null && state.focus !== tracker;
  const size = state.focus === tracker ? 15 : 11;
  return {
    type: "scatter", mode: "markers", x: [x], y: [y], name: plain(name), opacity: far ? 0.25 : 1,
    marker: { symbol, size, color: colorOf(tracker) }, hovertemplate: `${hover}<extra>${plain(name)}</extra>`,
  };
}

function renderEaoRanking(plot) {
  const { metric, values, order } = orderBy("eao");
  const traces = order.map((tracker, place) => ({
    ...makePoint(tracker, place + 1, values[tracker], "%{y:.3f}"),
    name: plain(`[${formatValue(values[tracker], metric)}] ${TRACKERS[tracker].name}`),
  }));
  const ticks = order.map((_, place) => place + 1).filter((rank) => order.length <= 20 || rank % 5 === 0 || rank === 1);
  draw(plot, traces, makeLayout({
    height: 430,
    title: makeTitle("Ranking by EAO"),
    showlegend: traces.length > 0 && traces.length <= IN_LEGEND,
    legend: { x: 0.98, xanchor: "right", y: 0.02, yanchor: "bottom", bgcolor: css("--paper") + "cc", font: { size: 11.5 }, title: { text: "[EAO]", font: { size: 11 } } },
    // The best at the right, as in the challenge's reports.
    xaxis: { title: { text: "Rank among those shown", standoff: 10 }, range: [Math.max(2, order.length) + 0.6, 0.4], tickvals: ticks },
    yaxis: { title: { text: "EAO" }, rangemode: "tozero" },
  }));
  describePlot(plot, "Ranking by EAO", traces.length);
}

// Ends of an axis with room for points at the border and their names.
function findRange(values) {
  const low = Math.min(...values), high = Math.max(...values), room = Math.max(0.25 * (high - low), 0.05);
  return [Math.max(0, low - room), high + room];
}

function renderAccuracyRobustness(plot) {
  const accuracy = orderBy("accuracy"), robustness = orderBy("robustness");
  const order = accuracy.order.filter((tracker) => isKnown(robustness.values[tracker]));
  const named = order.length <= IN_LEGEND;
  const traces = order.map((tracker) => ({
    ...makePoint(tracker, robustness.values[tracker], accuracy.values[tracker], "accuracy %{y:.3f}, robustness %{x:.3f}"),
    ...(named ? { mode: "markers+text", text: [plain(shortenName(TRACKERS[tracker].name, 24))], textposition: "top center", textfont: { size: 11.5 } } : {}),
  }));
  const across = findRange(order.map((tracker) => robustness.values[tracker]));
  // The best at the upper right: where few failures are better, the axis runs backwards.
  const ahead = robustness.metric.higher;
  draw(plot, traces, makeLayout({
    height: 430,
    title: makeTitle("Accuracy and robustness"),
    showlegend: false,
    xaxis: { title: { text: ahead ? "Robustness" : "Robustness (lower is better)", standoff: 10 }, ...(order.length ? { range: ahead ? across : across.reverse() } : {}) },
    yaxis: { title: { text: "Accuracy" }, ...(order.length ? { range: findRange(order.map((tracker) => accuracy.values[tracker])) } : {}) },
  }));
  describePlot(plot, "Accuracy and robustness", traces.length);
}
