// One sequence: scores, overlap over time with what the benchmark says of the frames, and frames with boxes.

function renderSequence() {
  const place = state.sequence, { name, frames, attributes } = SEQUENCES[place];
  byId("sequence-name").textContent = name;
  byId("sequence-choice").value = String(place);
  const words = attributes.map((one) => DATA.attributes[one].name).join(", ");
  byId("sequence-facts").textContent = `${count(frames, "frame")}${words ? ` · ${words}` : ""} · ${place + 1} of ${count(SEQUENCES.length)}`;
  byId("previous").disabled = place === 0;
  byId("next").disabled = place === SEQUENCES.length - 1;
  renderSequenceScores(place);
  renderTimeline(place);
  renderPictures(place);
}

function renderSequenceScores(place) {
  const metrics = convention().metrics;
  const valueOf = (metric, tracker) => unpack(metric.values, Float32Array)[tracker * SEQUENCES.length + place];
  const first = rankingMetric();
  const order = shownTrackers().sort(compareBy((tracker) => valueOf(first, tracker), first.higher));
  const head = make(
    "tr", {},
    make("th", { scope: "col", class: "corner" }, "Tracker"),
    ...metrics.map((metric) => make("th", { scope: "col" }, `${metric.name} ${metric.higher ? "↑" : "↓"}`)),
    make("th", { scope: "col", class: "left" }, "Lost in frames"),
  );
  const lost = DATA.timelines?.lost[place] ?? {};
  const body = order.map((tracker) =>
    make(
      "tr", { class: state.focus === tracker ? "focused" : null },
      make("th", { scope: "row", title: TRACKERS[tracker].name }, makeSwatch(tracker), makeFocusButton(tracker)),
      ...metrics.map((metric) => make("td", {}, formatValue(valueOf(metric, tracker), metric))),
      make("td", { class: "left wrap" }, shorten((lost[tracker] ?? []).map(([from, to]) => `${from}–${to}`).join(", ") || "–", 60)),
    ),
  );
  const caption = `Scores on ${SEQUENCES[place].name}, convention ${convention().name}.`;
  fillTable(byId("sequence-scores"), make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
}

function makeFocusButton(tracker) {
  const click = () => { state.focus = state.focus === tracker ? null : tracker; renderView(); };
  return make(
    "button",
    { type: "button", class: "name", "data-focus": tracker, "aria-pressed": String(state.focus === tracker), onclick: click },
    TRACKERS[tracker].name,
  );
}

let offsets = null;

// Where a sequence's points begin in a tracker's array, and how many they are.
function findPoints(place) {
  if (!offsets) {
    offsets = [0];
    SEQUENCES.forEach((one, i) => offsets.push(offsets[i] + Math.ceil(one.frames / DATA.timelines.steps[i])));
  }
  return [offsets[place], offsets[place + 1]];
}

const toOverlaps = (bytes) => Array.from(bytes, (value) => (value === NO_OVERLAP ? null : value / (NO_OVERLAP - 1)));

function renderTimeline(place) {
  const lines = DATA.timelines, plot = byId("plot-timeline"), note = byId("timeline-note");
  plot.hidden = !lines;
  if (!lines) {
    note.textContent = "There are no time lines: this page was made without the trackers' results.";
    return;
  }
  const step = lines.steps[place], frames = SEQUENCES[place].frames, [from, to] = findPoints(place);
  const x = Array.from({ length: to - from }, (_, i) => i * step + (Math.min(step, frames - i * step) + 1) / 2);
  const trackers = shownTrackers().filter((tracker) => lines.overlaps[tracker] !== null);
  const traces = trackers.map((tracker) => ({
    type: "scatter", mode: "lines", x, name: plain(TRACKERS[tracker].name), ...makeLine(tracker, 1.6),
    y: toOverlaps(unpack(lines.overlaps[tracker], Uint8Array).subarray(from, to)),
    hovertemplate: `%{y:.2f}<extra>${plain(TRACKERS[tracker].name)}, frame %{x:.0f}</extra>`,
  }));
  const lost = trackers.filter((tracker) => lines.lost[place][tracker]);
  lost.forEach((tracker, row) => {
    const spans = lines.lost[place][tracker];
    traces.push({
      type: "scatter", mode: "lines", yaxis: "y2", showlegend: false, name: plain(TRACKERS[tracker].name),
      x: spans.flatMap(([first, last]) => [first - 0.5, last + 0.5, null]), y: spans.flatMap(() => [row, row, null]),
      ...makeLine(tracker, 4), line: { color: colorOf(tracker), width: 5 },
      hovertemplate: `lost<extra>${plain(TRACKERS[tracker].name)}, frame %{x:.0f}</extra>`,
    });
  });
  const bands = lines.bands[place];
  if (bands.length) {
    traces.push({
      type: "heatmap", yaxis: "y3", x, y: bands.map((_, row) => row), z: bands.map(([, array]) => toOverlaps(unpack(array, Uint8Array))),
      text: bands.map(([name]) => x.map(() => plain(name))), zmin: 0, zmax: 1, showscale: false,
      colorscale: [[0, css("--panel")], [1, css("--soft")]], hovertemplate: "%{text}: %{z:.2f}<extra>frame %{x:.0f}</extra>", ygap: 2,
    });
  }
  draw(plot, traces, makeTimelineLayout(place, traces.length, lost.length, bands));
  const down = step > 1 ? ` Each point is the mean of ${step} frames.` : "";
  const pictures = lines.pictures[place].length ? " Dotted lines are the key frames below." : "";
  note.textContent = `${lines.runs}, convention ${lines.convention}.${down}${lost.length ? ` ${lines.bars}` : ""}${pictures}`;
  plot.setAttribute("aria-label", `Overlap over the frames of ${SEQUENCES[place].name}, ${count(trackers.length, "tracker")}.`);
}

function makeTimelineLayout(place, traces, lost, bands) {
  const heights = [270, lost ? Math.min(140, 8 * lost + 12) : 0, bands.length ? 17 * bands.length + 6 : 0];
  const inner = heights.reduce((a, b) => a + b) + 24;
  let top = 1;
  const domains = heights.map((height, i) => {
    const domain = [Math.max(0, top - height / inner), top];
    top = domain[0] - (i < 2 && height ? 12 / inner : 0);
    return domain;
  });
  const key = DATA.timelines.pictures[place].map((picture) => picture.frame);
  const many = shownTrackers().length > 16;
  // A line of the legend holds about eight names; the buttons stand above it.
  const head = many ? 40 : 46 + 20 * Math.ceil(shownTrackers().length / 8);
  const axis = { gridcolor: css("--grid"), linecolor: css("--line"), showline: true, mirror: true, zeroline: false };
  return makeLayout({
    height: inner + head + 60,
    margin: { l: bands.length ? 150 : 62, r: 16, t: head, b: 60 },
    showlegend: !many && traces > 0,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    xaxis: { title: { text: "Frame", standoff: 10 }, range: [0.5, SEQUENCES[place].frames + 0.5], anchor: "free", position: 0 },
    yaxis: { title: { text: "Overlap" }, range: [0, 1.01], domain: domains[0] },
    yaxis2: { ...axis, domain: domains[1], range: [lost - 0.4, -0.6], tickvals: lost ? [(lost - 1) / 2] : [], ticktext: ["lost"], showgrid: false, fixedrange: true, visible: lost > 0 },
    yaxis3: { ...axis, domain: domains[2], range: [bands.length - 0.5, -0.5], tickvals: bands.map((_, row) => row), ticktext: bands.map(([name]) => plain(name)), tickfont: { size: 11 }, showgrid: false, fixedrange: true, visible: bands.length > 0 },
    shapes: key.map((frame) => ({ type: "line", xref: "x", yref: "paper", x0: frame, x1: frame, y0: domains[0][0], y1: 1, line: { color: css("--soft"), width: 1, dash: "dot" } })),
  });
}

function renderPictures(place) {
  const shown = DATA.timelines?.pictures[place] ?? [];
  const black = TRACKERS.find((tracker) => tracker.color === "#000000");
  byId("pictures-note").textContent = shown.length
    ? "The first frame, and of each fifth of the others the one on which the trackers disagree most. White: the ground truth." +
      (black ? ` On frames, ${black.name} and others drawn in black are yellow.` : "")
    : "The frames are not at hand: this page was made from annotations alone, or without reading frames.";
  byId("pictures").replaceChildren(...shown.map((picture) => makePicture(picture)));
}

function makePicture(picture) {
  const { frame, width, height, source, truth, boxes } = picture;
  const name = SEQUENCES[state.sequence].name;
  const drawn = shownTrackers().filter((tracker) => boxes[tracker]);
  const label = `Frame ${frame} of ${name} with the boxes of ${count(drawn.length, "tracker")}${truth ? " and the ground truth" : ""}`;
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  svg.append(make("image", { href: `data:image/webp;base64,${source}`, width, height, preserveAspectRatio: "none" }));
  const drawBox = ([x, y, w, h], style, title) =>
    svg.append(make("rect", { x, y, width: w, height: h, ...style }, make("title", {}, title)));
  if (truth) {
    drawBox(truth, { stroke: "#222222", "stroke-width": 4.5 }, "ground truth");
    drawBox(truth, { stroke: "#ffffff", "stroke-width": 2.5 }, "ground truth");
  }
  for (const tracker of drawn) {
    const far = state.focus !== null && state.focus !== tracker;
    const style = {
      stroke: colorOnImage(tracker), "stroke-width": state.focus === tracker ? 4 : 2,
      "stroke-dasharray": DASH_LENGTHS[TRACKERS[tracker].dash], opacity: far ? 0.35 : 1,
    };
    drawBox(boxes[tracker], style, TRACKERS[tracker].name);
  }
  return make("figure", {}, svg, make("figcaption", {}, `Frame ${count(frame)}`));
}
