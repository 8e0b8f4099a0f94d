// The evidence of a recording. These evidence_*.js are one script, read in the order that
// evidence.py names. Every text enters as a text node; nothing here builds HTML from data.
const texts = props.texts;
const SIGNS = { equal: "", substitute: "✗", delete: "−", insert: "+" };
const ARROW_STEP_S = 0.1;
const MANY_WORDS = 14; // more are shown in smaller type
const BLINK_S = 0.02; // a word shorter than this could not be heard

const root = element.querySelector(".mh-evidence");
let audio = null; // the <audio> on the page
let cursor = null;
let plot = null; // all rows, as wide as the zoom says; whatever is in it is placed in percent
let scroller = null; // the window on the plot
let readout = null;
let levels = null; // of the emission: a byte a row and column
let stopAt = null; // seconds; where a single word ends
let timed = []; // { node, start_s, end_s }: lit while the sound passes them
let ticking = false;
let replayed = -1; // which of the wrong words was heard last

const seconds = (s) => s.toFixed(2);
const percent = (p) => Math.round(100 * p);
const nats = (x) => x.toFixed(Math.abs(x) < 0.1 ? 3 : 2).replace("-", "−");
const share = (s, whole) => `${Math.min(100, Math.max(0, (100 * s) / whole))}%`;

function place(node, start_s, end_s) {
  const { span_s } = props.value;
  node.style.left = share(start_s, span_s);
  node.style.width = share(Math.min(end_s, span_s) - start_s, span_s);
  return node;
}

function explain(node, text) {
  node.title = text;
  for (const event of ["pointerenter", "focus"]) {
    node.addEventListener(event, () => { readout.textContent = text; });
  }
  node.addEventListener("pointerleave", () => { readout.textContent = texts.hint; });
  return node;
}

function notice({ title, text }, state) {
  return el("div", { class: `mh-notice mh-${state}`, role: "status" },
    state === "loading" ? el("span", { class: "mh-spinner", "aria-hidden": "true" }) : null,
    el("p", { class: "mh-notice-title" }, title), text ? el("p", {}, text) : null);
}
