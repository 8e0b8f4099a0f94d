
// ---- rows of frames: emission, paths, regions -------------------------------------------------

const FULL = 255; // the level of probability 1
const TOLD = 3; // symbols told of a frame
const LEAST_SEEN = 5; // levels; less is drawn as nothing ...
const LEAST_DRAWN = 14; // ... and more at least so high that it is a pixel
const LATE = 0.9; // of the recording: a run after it has its name on the left, ...
const LATE_ROOM = 0.12; // ... where there is so much room

const nameOf = (id) => (id < 0 ? texts.rests : props.value.symbols[id]);
const isBlank = (id) => id === 0;

function unpack(emission) {
  return Uint8Array.from(atob(emission.levels), (c) => c.charCodeAt(0));
}

function columnAt(time_s) {
  const { n_columns, column_s } = props.value.emission;
  return Math.min(n_columns - 1, Math.max(0, Math.floor(time_s / column_s)));
}

// The most probable symbols at a time, in words: what a look at the rows tells.
function symbolsAt(time_s) {
  const { ids, n_columns } = props.value.emission;
  if (!n_columns) return "";
  const column = columnAt(time_s);
  const best = ids.map((id, row) => ({ id, level: levels[row * n_columns + column] }))
    .filter(({ level }) => level >= LEAST_SEEN)
    .sort((a, b) => b.level - a.level).slice(0, TOLD);
  return best.map(({ id, level }) => fill(texts.best_symbol,
    { symbol: nameOf(id), percent: percent(level / FULL) })).join(", ");
}

function outline(row, n_columns) {
  let path = "";
  let drawing = false;
  for (let column = 0; column <= n_columns; column += 1) {
    const level = column < n_columns ? levels[row * n_columns + column] : 0;
    if (level < LEAST_SEEN) {
      if (drawing) path += `V${FULL}z`;
      drawing = false;
    } else {
      if (!drawing) path += `M${column} ${FULL}`;
      drawing = true;
      path += `V${FULL - Math.max(level, LEAST_DRAWN)}h1`;
    }
  }
  return path;
}

function svg(tag, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function beliefRow(id, row, { emission, span_s }) {
  const { n_columns, column_s } = emission;
  const drawing = svg("svg", { viewBox: `0 0 ${Math.max(1, n_columns)} ${FULL}`,
    preserveAspectRatio: "none" }, svg("path", { d: outline(row, n_columns) }));
  drawing.style.width = `${(100 * n_columns * column_s) / span_s}%`;
  const node = el("div", { class: isBlank(id) ? "mh-belief mh-blank" : "mh-belief" }, drawing);
  const tell = (event) => {
    const box = node.getBoundingClientRect();
    const time_s = (span_s * (event.clientX - box.left)) / box.width;
    const level = levels[row * n_columns + columnAt(time_s)];
    const value = { symbol: nameOf(id), time: seconds(time_s), percent: percent(level / FULL) };
    readout.textContent = fill(texts.at, value);
  };
  for (const event of ["pointermove", "pointerdown"]) node.addEventListener(event, tell);
  node.addEventListener("pointerleave", () => { readout.textContent = texts.hint; });
  return node;
}

function beliefs(value) {
  const rows = value.emission.ids.map((id, row) => beliefRow(id, row, value));
  return el("div", { class: "mh-beliefs", role: "img", "aria-label": texts.belief }, ...rows);
}

function runNode([id, start, end, sure], from, to, isLate) {
  const { frame_s } = props.value;
  const name = nameOf(id) === texts.gap ? texts.gap_sign : nameOf(id);
  const label = el("span", { class: "mh-written-name" }, name);
  const tick = el("span", { class: "mh-tick" });
  tick.style.width = `${(100 * (end - start)) / (to - from)}%`;
  const node = el("span", { class: "mh-written" }, ...(isLate ? [label, tick] : [tick, label]));
  if (isLate) node.classList.add("mh-late");
  explain(node, fill(texts.run, { symbol: nameOf(id), start: seconds(start * frame_s),
    end: seconds(end * frame_s), percent: sure }));
  return place(node, from * frame_s, to * frame_s);
}

function pathRow({ kind, runs }) {
  const last = props.value.span_s / props.value.frame_s;
  const node = el("div", { class: `mh-path mh-path-${kind}` });
  runs.forEach((run, i) => {
    const [, start, end] = run;
    const following = i + 1 < runs.length ? runs[i + 1][1] : last;
    const previous = i > 0 ? runs[i - 1][2] : 0;
    const isLate = i + 1 === runs.length && start > LATE * last
      && start - previous > LATE_ROOM * last;
    node.append(isLate ? runNode(run, (previous + start) / 2, end, true)
      : runNode(run, start, Math.max(following, end), false));
  });
  return node;
}

function regionMarks({ paths }) {
  return paths.regions.map((region) => place(el("div", { class: "mh-region" }),
    region.start_s, region.end_s));
}

function regionStrip({ paths }) {
  const buttons = paths.regions.map((region, i) => {
    const node = el("button", { type: "button", class: "mh-part", tabindex: "-1" }, `${i + 1}`);
    explain(node, `${i + 1}. ${region.title}. ${region.text}`);
    node.addEventListener("click", () => chooseRegion(i));
    place(node, region.start_s, region.end_s);
    if (region.start_s > LATE * props.value.span_s) {
      [node.style.left, node.style.right] = ["auto", share(props.value.span_s - region.end_s,
        props.value.span_s)];
    }
    return node;
  });
  return el("div", { class: "mh-parts" }, ...buttons);
}

function regionList({ paths }) {
  if (!paths.summary && !paths.note) return null;
  const items = paths.regions.map((region, i) => {
    const button = el("button", { type: "button" }, el("b", {}, `${i + 1}`), ` ${region.title}`);
    button.title = fill(texts.part_button,
      { start: seconds(region.start_s), end: seconds(region.end_s) });
    button.addEventListener("click", () => chooseRegion(i));
    return el("li", {}, button, el("p", {}, region.text));
  });
  return el("section", { class: "mh-partings" },
    el("h3", {}, el("span", { class: "mh-term", title: texts.part_hint }, texts.part_title)),
    paths.note ? el("p", { class: "mh-note" }, paths.note) : null,
    paths.summary ? el("p", {}, paths.summary) : null,
    items.length ? el("ol", {}, ...items) : null);
}

function rowNames({ emission, paths, frame_s }) {
  const belief = emission.ids.map((id) => {
    const hints = { "-1": texts.rests_hint, 0: texts.blank_hint };
    const hint = hints[id] ?? fill(texts.symbol_hint, { symbol: nameOf(id) });
    const frame = fill(texts.belief_hint, { frame: Math.round(1000 * frame_s) });
    return el("span", { class: "mh-belief-name", title: `${hint}. ${frame}` }, nameOf(id));
  });
  const path = paths.rows.map(({ kind, a_frame, log_prob }) => {
    const [name, hint] = texts.paths[kind];
    const cost = fill(texts.a_frame_hint, { total: nats(log_prob) });
    return el("span", { class: "mh-path-name", title: `${hint}. ${cost}` }, name,
      el("small", {}, nats(a_frame), el("span", {}, ` ${texts.a_frame}`)));
  });
  const parts = paths.regions.length
    ? [el("span", { class: "mh-parts-name", title: texts.part_hint }, texts.parts)] : [];
  return [...belief, ...path, ...parts];
}
