// Where the numbers come from: benchmark, conventions, runs, and what could not be scored.

function makeTree(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.length ? value.map((one) => (typeof one === "object" ? JSON.stringify(one) : String(one))).join(", ") : "–";
  if (typeof value !== "object") return String(value);
  return make("dl", {}, ...Object.entries(value).flatMap(([key, one]) => [make("dt", {}, key), make("dd", {}, makeTree(one))]));
}

const makeList = (lines) => make("ul", {}, ...lines.map((line) => make("li", {}, line)));

function renderProvenance() {
  const { name, revision, frames, convention: official, protocol, origin, citation, url, missing, notes } = DATA.benchmark;
  const home = byId("view-provenance");
  const link = /^https?:\/\//.test(url) ? make("a", { href: url, rel: "noreferrer" }, url) : url || "–";
  const facts = {
    Benchmark: name, Sequences: count(SEQUENCES.length), Frames: count(frames), "Revision (SHA-256)": revision,
    "Official convention": official, Protocol: protocol, "First pixel": origin, Citation: citation, "Made by": DATA.suite,
  };
  const list = makeTree(facts);
  list.append(make("dt", {}, "Address"), make("dd", {}, link));
  const parts = [make("h2", {}, "Benchmark"), list];
  parts.push(make("h2", {}, "How these numbers were made"), makeList(describeMethod()));
  parts.push(make("h2", {}, "Conventions"));
  for (const one of DATA.conventions) {
    parts.push(make("details", {}, make("summary", {}, one.name), make("p", {}, one.meaning), make("p", {}, `Source: ${one.source}.`)));
  }
  parts.push(make("h2", {}, "Runs"));
  TRACKERS.forEach((tracker, place) => parts.push(makeRun(tracker, DATA.records[place])));
  const section = (title, lines) => lines.length && parts.push(make("details", {}, make("summary", {}, `${title} (${count(lines.length)})`), makeList(lines)));
  section("Not scored", convention().faults.map(([tracker, sequence, message]) => `${tracker}, ${sequence}: ${message}`));
  section("Not defined", convention().reasons.map((entry) => entry.join(", ")));
  section("Not in the benchmark's folder, or not usable there", missing);
  section("Odd rows and other notes", notes);
  section("Frames that could not be read", DATA.timelines?.problems ?? []);
  section("Repetitions", convention().runs.map((row) => `${row.tracker}, ${row.metric}: ${row.mean.toFixed(3)} ± ${row.std.toFixed(3)} over ${row.runs} runs`));
  home.replaceChildren(...parts);
}

function describeMethod() {
  const lines = [
    "Values of sequences are evaluation's. A value of the benchmark is their mean by evaluation's weights: one a sequence, or the frames that count where the convention pools frames; a sequence with repetitions counts as their mean.",
    "The whole benchmark and single attributes show evaluation's own numbers. Several attributes at once show the same mean over the sequences that have any or all of them, taken in this page.",
    "Curves are means of the sequences' curves, by the same weights; they are stored in steps of 1/65534.",
    "Speed is the frames after the first over the seconds spent on them, then the mean over sequences.",
  ];
  if (DATA.timelines) {
    lines.push(
      `Time lines: ${DATA.timelines.runs}, convention ${DATA.timelines.convention}, in at most ${DATA.timelines.points} points a sequence: with more frames a point is the mean of several. They are stored in steps of 1/254.`,
      DATA.timelines.bars,
    );
  }
  return lines;
}

function makeRun(tracker, record) {
  if (!record) return make("details", {}, make("summary", {}, tracker.name), make("p", {}, "Not run here: there is no run record, and what made these results is not known."));
  const { identity, environment, complete, seconds, contended, failures } = record;
  const failed = Object.entries(failures);
  const summary = `${tracker.name}: ${count(complete, "run")} complete${failed.length ? `, ${count(failed.length)} failed` : ""}`;
  return make(
    "details", {}, make("summary", {}, summary),
    make("h3", {}, "Configuration and identity"), makeTree(identity),
    make("h3", {}, "Environment"), makeTree({ ...environment, "seconds of tracking": seconds, "speed measured under contention": contended ? "yes" : "no" }),
    failed.length ? make("h3", {}, "Failures") : null, failed.length ? makeTree(failures) : null,
  );
}
