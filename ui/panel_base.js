// The lists of the Errors tab, one at a time. These panel_*.js and table.js are one script; each
// list is a function of `lists` that asks the server and returns a node. Every text enters as a
// text node.
const texts = props.texts;
const lists = {};

const root = element.querySelector(".mh-panel");
const body = el("div", { class: "mh-list", role: "tabpanel" });
const bar = el("div", { class: "mh-player", hidden: "" });
const tabs = Object.entries(texts.panels).map(([name, [label, hint]]) => {
  const tab = el("button", { type: "button", role: "tab", title: hint, "data-panel": name }, label);
  tab.addEventListener("click", () => open(name));
  return tab;
});
const tablist = el("div", { class: "mh-tabs", role: "tablist", "aria-label": texts.label }, ...tabs);
const keys = el("p", { class: "mh-keys" }, texts.keys);
const frame = el("div", {}, tablist, bar, body, keys);

let view = null; // the question that everything here follows
let shown = new URLSearchParams(location.search).get("panel") || "utterances";
if (!texts.panels[shown]) shown = "utterances";
let turn = 0; // so that only the answer to the last question is shown

const percent = (share, places = 1) => (100 * share).toFixed(places);

async function ask(name, more = {}) {
  try {
    return await server[name]({ ...view, ...more });
  } catch {
    return { error: texts.failed };
  }
}

function open(name) {
  shown = name;
  remember({ panel: name === "utterances" ? null : name });
  for (const tab of tabs) tab.setAttribute("aria-selected", tab.dataset.panel === name);
  draw();
}

async function draw() {
  const mine = ++turn;
  if (shown === "utterances") {
    body.replaceChildren(utterances);
    return;
  }
  body.replaceChildren(el("p", { class: "mh-wait", role: "status" }, texts.loading));
  const node = await lists[shown]();
  if (mine === turn) body.replaceChildren(node);
}

// Of a wrong condition the filter tells all there is to tell.
const problem = () => el("p", { class: "mh-problem" }, texts.cannot);
const nothing = (text = texts.none) => el("p", { class: "mh-wait" }, text);
const word = (text) => (text === null || text === "" ? texts.nothing : text);

function narrow(where, at = null) {
  document.dispatchEvent(new CustomEvent("mh:narrow", { detail: { where, at } }));
  open("utterances");
}

// A table whose first cell is what the row is about; `press` makes rows lead somewhere.
function grid(columns, rows, cells, press = null, caption = null) {
  const heads = Object.values(columns).map(([label, hint]) =>
    el("th", { scope: "col", title: hint || null }, label));
  const lines = rows.map((row) => {
    const [first, ...others] = cells(row);
    const head = press
      ? el("button", { type: "button", class: "mh-link", title: texts.narrow }, first) : first;
    const line = el("tr", {}, el("th", { scope: "row" }, head),
      ...others.map((cell) => el("td", {}, cell === null ? "–" : cell)));
    if (press) head.addEventListener("click", () => press(row));
    return line;
  });
  return el("div", { class: "mh-rows mh-grid" }, el("table", {},
    caption ? el("caption", {}, caption) : null, el("thead", {}, el("tr", {}, ...heads)),
    el("tbody", {}, ...lines)));
}

function shareBar(share, text) {
  const node = el("span", { class: "mh-share" }, text);
  node.style.setProperty("--share", Math.min(1, Math.max(0, share)));
  return node;
}

function pair(said, heard) {
  return `${word(said)} → ${word(heard)}`;
}

// ---- listening to ten ----------------------------------------------------------------------

let playing = null;

function listenButton(edits, small = true) {
  const node = el("button", { type: "button", class: `mh-button mh-quiet ${small ? "mh-small" : ""}`,
    title: texts.listen_hint }, `▶ ${texts.listen}`);
  node.addEventListener("click", (event) => { event.stopPropagation(); listen(edits); });
  return node;
}

function hush() {
  if (playing) playing.pause();
  playing = null;
  bar.hidden = true;
  bar.replaceChildren();
}

async function listen(edits) {
  hush();
  bar.hidden = false;
  bar.append(texts.loading);
  const answer = await ask("fetch_sounds", { edits });
  if (answer.error || !answer.sounds.length) {
    bar.replaceChildren(answer.error ? texts.cannot : texts.no_sound);
    return;
  }
  playSound(answer.sounds, 0);
}

function playSound(sounds, i) {
  if (i >= sounds.length) {
    hush();
    return;
  }
  const sound = sounds[i];
  const audio = new Audio(sound.url);
  playing = audio;
  const says = fill(texts.listening, { i: i + 1, n: sounds.length,
    said: word(sound.reference), heard: word(sound.heard) });
  const button = (label, act) => {
    const node = el("button", { type: "button", class: "mh-button mh-quiet mh-small" }, label);
    node.addEventListener("click", act);
    return node;
  };
  const look = el("button", { type: "button", class: "mh-link" }, says);
  look.addEventListener("click", () => pickId(sound.id, sound));
  const next = () => { if (playing === audio) { audio.pause(); playSound(sounds, i + 1); } };
  bar.replaceChildren(look, button("›", next), button(texts.stop, hush));
  audio.addEventListener("loadedmetadata", () => {
    audio.currentTime = sound.start_s;
    audio.play().catch(hush);
  });
  audio.addEventListener("timeupdate", () => { if (audio.currentTime >= sound.end_s) next(); });
  audio.addEventListener("ended", next);
  audio.addEventListener("error", next);
}
