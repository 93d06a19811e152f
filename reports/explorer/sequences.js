// The table of sequences: one metric, a row a sequence, a column a tracker.

function renderSequences() {
  const metric = findMetric(state.sequenceMetric) ?? rankingMetric();
  fillMetricChoice(metric);
  const values = unpack(metric.values, Float32Array);
  const valueOf = (tracker, place) => values[tracker * SEQUENCES.length + place];
  const trackers = shownTrackers();
  const rangeOf = (place) => {
    const known = trackers.map((tracker) => valueOf(tracker, place)).filter(isKnown);
    return known.length > 1 ? Math.max(...known) - Math.min(...known) : NaN;
  };
  const text = byId("find-sequence").value.trim().toLowerCase();
  const sort = state.sequenceSort;
  const getters = { name: (place) => SEQUENCES[place].name, frames: (place) => SEQUENCES[place].frames, range: rangeOf };
  const get = getters[sort.key] ?? ((place) => valueOf(Number(sort.key), place));
  const rows = state.chosen.filter((place) => SEQUENCES[place].name.toLowerCase().includes(text)).sort(compareBy(get, sort.falling));
  const change = (next) => { state.sequenceSort = next; renderSequences(); };
  const head = make(
    "tr", {},
    makeSortHead("Sequence", "name", sort, false, change, { class: "corner" }),
    makeSortHead("Frames", "frames", sort, true, change),
    make("th", { scope: "col", class: "left" }, "Attributes"),
    makeSortHead("Range", "range", sort, true, change),
    ...trackers.map((tracker) => makeSortHead(TRACKERS[tracker].name, String(tracker), sort, metric.higher, change, { class: "tracker" })),
  );
  const shaded = metric.higher && !metric.speed;
  const body = rows.map((place) => {
    const { name, frames, attributes } = SEQUENCES[place];
    const known = trackers.map((tracker) => valueOf(tracker, place)).filter(isKnown);
    const best = metric.higher ? Math.max(...known) : Math.min(...known);
    return make(
      "tr", {},
      make("th", { scope: "row", title: name }, make("a", { href: `#/sequence/${place}` }, name)),
      make("td", {}, count(frames)),
      make("td", { class: "left", title: attributes.map((one) => DATA.attributes[one].name).join(", ") }, shorten(attributes.map((one) => DATA.attributes[one].id).join(" "), 40)),
      make("td", {}, formatValue(rangeOf(place), metric)),
      ...trackers.map((tracker) => {
        const value = valueOf(tracker, place);
        const mark = known.length > 1 && !metric.speed && value === best ? "value best" : "value";
        return make("td", { class: mark, style: shaded && isKnown(value) ? `--v:${value.toFixed(2)}` : null }, formatValue(value, metric));
      }),
    );
  });
  const caption = `${metric.name} by sequence. ${describeState()}` + (text ? ` ${count(rows.length)} with “${byId("find-sequence").value.trim()}” in the name.` : "");
  fillTable(byId("sequence-table"), make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body));
}

function fillMetricChoice(metric) {
  const options = convention().metrics.map((one) => new Option(one.name, one.id, false, one.id === metric.id));
  byId("sequence-metric").replaceChildren(...options);
}
