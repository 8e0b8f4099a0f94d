// Draws one recording. Every text enters as a text node; nothing here builds HTML from data.
const texts = props.texts;
const SIGNS = { equal: "", substitute: "✗", delete: "−", insert: "+" };
const ARROW_STEP_S = 0.1;
const MANY_WORDS = 14; // more are shown in smaller type
const BLINK_S = 0.02; // a word shorter than this could not be heard

const root = element.querySelector(".mh-evidence");
let audio = null; // the <audio> on the page
let cursor = null;
let plot = null;
let readout = null;
let scroller = null;
let stopAt = null; // seconds; where a single word ends
let timed = []; // { node, start_s, end_s }: lit while the sound passes them
let ticking = false;

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
const seconds = (s) => s.toFixed(2);
const percent = (p) => Math.round(100 * p);
const share = (s, whole) => `${Math.min(100, Math.max(0, (100 * s) / whole))}%`;

// ---- playing -------------------------------------------------------------------------------

function play(start_s, end_s) {
  stopAt = end_s;
  audio.currentTime = start_s;
  audio.play().catch(() => {}); // the error event of <audio> tells the reader
}

function playOrPause() {
  stopAt = null;
  if (audio.paused) audio.play().catch(() => {});
  else audio.pause();
}

function seek(time_s) {
  stopAt = null;
  audio.currentTime = Math.min(Math.max(0, time_s), props.value.duration_s);
}

function paint() {
  if (!audio) return;
  const now = audio.currentTime;
  if (stopAt !== null && now >= stopAt && !audio.paused) {
    stopAt = null;
    audio.pause();
  }
  const { duration_s } = props.value;
  cursor.style.left = share(now, duration_s);
  cursor.classList.toggle("mh-moved", now > 0);
  plot.setAttribute("aria-valuenow", now.toFixed(2));
  plot.setAttribute("aria-valuetext", fill(texts.position, { now: seconds(now) }));
  for (const { node, start_s, end_s } of timed) {
    node.classList.toggle("mh-lit", now > 0 && now >= start_s && now < end_s);
  }
  if (!audio.paused) follow(now / duration_s);
}

function follow(fraction) {
  const x = fraction * plot.offsetWidth;
  const { scrollLeft, clientWidth } = scroller;
  if (x < scrollLeft || x > scrollLeft + clientWidth) scroller.scrollLeft = x - clientWidth / 8;
}

function loop() {
  paint();
  ticking = !audio.paused;
  if (ticking) requestAnimationFrame(loop);
}

function player(value) {
  const node = el("audio", {
    controls: "", preload: "metadata", src: value.audio_url, "aria-label": texts.player,
  });
  node.addEventListener("play", () => { if (!ticking) loop(); });
  for (const event of ["seeked", "timeupdate", "pause"]) node.addEventListener(event, paint);
  node.addEventListener("error", () => {
    node.replaceWith(el("p", { class: "mh-warning", role: "alert" }, texts.unplayable));
  });
  return node;
}

// ---- words ---------------------------------------------------------------------------------

function say(word, side) {
  const times = { start: seconds(word.start_s), end: seconds(word.end_s) };
  const sure = word.confidence === null ? "" : percent(word.confidence);
  const pattern = side === "heard" ? texts.heard_word : texts.reference_word;
  return fill(pattern, { word: word.text, sure, ...times });
}

function explain(node, text) {
  node.title = text;
  for (const event of ["pointerenter", "focus"]) {
    node.addEventListener(event, () => { readout.textContent = text; });
  }
  node.addEventListener("pointerleave", () => { readout.textContent = texts.hint; });
}

function wordButton(word, side, className) {
  const placed = word.start_s !== null;
  const node = el("button", { type: "button", class: `${className} mh-${word.op}` }, word.text);
  if (!placed) {
    node.setAttribute("aria-disabled", "true");
    explain(node, fill(texts.no_place, { word: word.text }));
    return node;
  }
  const label = say(word, side);
  node.setAttribute("aria-label", label);
  explain(node, label);
  timed.push({ node, ...word });
  node.addEventListener("click", () => {
    play(word.start_s, Math.max(word.end_s, word.start_s + BLINK_S));
  });
  return node;
}

function walkWithArrows(container) {
  container.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const buttons = [...container.querySelectorAll("button")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (next) next.focus();
    event.preventDefault();
  });
  return container;
}

function transcript(lane) {
  if (!lane.words.length) return notice({ title: texts.nothing, text: texts.nothing_why }, "empty");
  const words = lane.words.map((word) => wordButton(word, "heard", "mh-big"));
  const size = words.length > MANY_WORDS ? "mh-transcript mh-long" : "mh-transcript";
  return walkWithArrows(el("div", { class: size, role: "group",
    "aria-label": texts.transcript }, ...words));
}

function diff(value) {
  const [reference, heard] = value.lanes;
  const columns = value.steps.map((step) => {
    const said = step.reference === null ? null : reference.words[step.reference];
    const got = step.heard === null ? null : heard.words[step.heard];
    const gap = () => el("span", { class: "mh-gap", "aria-label": texts.no_word }, "–");
    const sign = el("span", { class: "mh-sign" }, SIGNS[step.op]);
    const name = step.op === "equal" ? null : el("span", { class: "mh-op" }, texts.ops[step.op]);
    return el("div", { class: `mh-column mh-${step.op}`, role: "listitem" },
      said ? wordButton(said, "reference", "mh-said") : gap(),
      el("span", { class: "mh-change" }, sign, name),
      got ? wordButton(got, "heard", "mh-got") : gap());
  });
  const names = el("div", { class: "mh-column mh-names", "aria-hidden": "true" },
    el("span", {}, texts.sides.reference), el("span", {}), el("span", {}, texts.sides.heard));
  const list = el("div", { class: "mh-columns", role: "list", "aria-label": texts.diff },
    ...columns);
  return el("div", { class: "mh-diff" }, names, walkWithArrows(list));
}

function wordTable(lane) {
  const heads = texts.columns.map((name) => el("th", { scope: "col" }, name));
  const rows = lane.words.map((word) => {
    const bar = el("span", { class: "mh-bar", "aria-hidden": "true" });
    bar.style.setProperty("--share", word.confidence);
    const row = el("tr", {},
      el("th", { scope: "row" }, word.text),
      el("td", {}, `${seconds(word.start_s)} s`),
      el("td", {}, `${seconds(word.end_s)} s`),
      el("td", {}, bar, `${percent(word.confidence)} %`));
    row.addEventListener("click", () => play(word.start_s, word.end_s));
    timed.push({ node: row, ...word });
    return row;
  });
  return el("div", { class: "mh-words" }, el("table", {},
    el("caption", {}, texts.table), el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...rows)));
}

// ---- picture -------------------------------------------------------------------------------

function laneOf(lane, duration_s) {
  const row = el("div", { class: `mh-lane mh-lane-${lane.side}` });
  for (const word of lane.words.filter((w) => w.start_s !== null)) {
    const node = wordButton(word, lane.side, "mh-span");
    node.tabIndex = -1; // the same word stands above, where the keyboard reaches it
    node.replaceChildren(`${SIGNS[word.op]}${SIGNS[word.op] && " "}${word.text}`);
    node.style.left = share(word.start_s, duration_s);
    node.style.width = share(word.end_s - word.start_s, duration_s);
    row.append(node);
  }
  return row;
}

function emissions(lane, duration_s) {
  return lane.emissions.map((emission) => {
    const node = el("span", { class: "mh-emission" });
    node.style.left = share(emission.start_s, duration_s);
    node.style.width = share(emission.end_s - emission.start_s, duration_s);
    explain(node, fill(texts.emission, {
      symbol: emission.text, start: seconds(emission.start_s), end: seconds(emission.end_s),
      probability: percent(emission.probability),
    }));
    return node;
  });
}

function steer(node) {
  node.addEventListener("click", (event) => {
    if (event.target.closest("button")) return;
    const box = node.getBoundingClientRect();
    seek((props.value.duration_s * (event.clientX - box.left)) / box.width);
  });
  node.addEventListener("keydown", (event) => {
    if (event.target !== node) return;
    const now = audio.currentTime;
    const act = {
      " ": playOrPause,
      ArrowRight: () => seek(now + ARROW_STEP_S),
      ArrowLeft: () => seek(now - ARROW_STEP_S),
      Home: () => seek(0),
      End: () => seek(props.value.duration_s),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  return node;
}

function figure(value) {
  const { picture, duration_s, lanes } = value;
  const image = el("img", { src: picture.src, alt: texts.picture, draggable: "false" });
  image.style.width = `${(100 * picture.width_s) / duration_s}%`;
  cursor = el("div", { class: "mh-cursor" });
  const screen = el("div", { class: "mh-screen" }, image);
  const heard = lanes[lanes.length - 1];
  screen.append(...emissions(heard, duration_s));
  const times = picture.times.map((tick) => {
    const node = el("span", {}, tick.label);
    node.style.left = `${100 * tick.at}%`;
    if (tick.at > 0.98) node.className = "mh-last";
    return node;
  });
  plot = steer(el("div", { class: "mh-plot", role: "slider", tabindex: "0",
    "aria-label": texts.slider, "aria-valuemin": "0", "aria-valuemax": duration_s.toFixed(2) }));
  plot.style.minWidth = `${picture.min_width_px}px`;
  const above = lanes.length > 1 ? [laneOf(lanes[0], duration_s)] : [];
  plot.append(...above, screen, laneOf(heard, duration_s),
    el("div", { class: "mh-times", "aria-hidden": "true" }, ...times), cursor);
  scroller = el("div", { class: "mh-scroller" }, plot);
  return el("div", { class: "mh-figure" }, gutter(value), scroller);
}

function gutter({ picture, lanes }) {
  const hertz = picture.frequencies.map((tick) => {
    const node = el("span", {}, tick.label);
    node.style.bottom = `${100 * tick.at}%`;
    return node;
  });
  const side = (lane) => el("span", { class: "mh-side", title: texts.side_hints[lane.side] },
    texts.sides[lane.side]);
  return el("div", { class: "mh-gutter" },
    lanes.length > 1 ? side(lanes[0]) : null,
    el("div", { class: "mh-hertz", "aria-hidden": "true" }, ...hertz,
      el("em", {}, texts.hertz)),
    side(lanes[lanes.length - 1]),
    el("em", { class: "mh-unit", "aria-hidden": "true" }, texts.seconds));
}

// ---- the whole -----------------------------------------------------------------------------

function factList(facts) {
  if (!facts.length) return null;
  return el("dl", { class: "mh-facts" }, ...facts.map((fact) => el("div",
    { title: fact.hint || null }, el("dt", {}, fact.label), el("dd", {}, fact.value))));
}

function notice({ title, text }, state) {
  return el("div", { class: `mh-notice mh-${state}`, role: "status" },
    state === "loading" ? el("span", { class: "mh-spinner", "aria-hidden": "true" }) : null,
    el("p", { class: "mh-notice-title" }, title), text ? el("p", {}, text) : null);
}

function draw() {
  if (audio) audio.pause();
  [audio, stopAt, timed] = [null, null, []];
  const value = props.value;
  if (!value || value.state !== "ready") {
    root.replaceChildren(...(value ? [notice(value, value.state)] : []));
    return;
  }
  readout = el("p", { class: "mh-readout" }, texts.hint);
  audio = player(value);
  const compared = value.steps.length > 0 || value.lanes.length > 1;
  const heard = value.lanes[value.lanes.length - 1];
  const facts = factList(value.facts);
  const parts = [
    compared ? diff(value) : transcript(heard),
    value.note ? el("p", { class: "mh-note" }, value.note) : null,
    compared ? null : facts,
    audio,
    figure(value),
    readout,
    compared ? facts : null,
    !compared && heard.words.length ? wordTable(heard) : null,
  ];
  root.replaceChildren(...parts.filter(Boolean));
  paint();
}

watch("value", draw);
draw();
