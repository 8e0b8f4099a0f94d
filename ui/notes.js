// What a person notes about the utterance shown. Kept at once; every text enters as a text node.
const texts = props.texts;
const TYPING_MS = 600;

const root = element.querySelector(".mh-notes");
let text = null; // where a person writes
let leave = () => {}; // keeps what is still being typed

function tagButton(name, tags, save) {
  const node = el("button", { type: "button", class: "mh-tag", "aria-pressed": tags.has(name) }, texts.tags[name] || name);
  node.addEventListener("click", () => {
    if (tags.has(name)) tags.delete(name);
    else tags.add(name);
    node.setAttribute("aria-pressed", tags.has(name));
    save();
  });
  return node;
}

let last = Promise.resolve(); // one after the other, so that the last one wins

function saver(value, tags, text, state) {
  return () => { last = last.then(() => keepNote(value, tags, text, state)); };
}

async function keepNote({ evaluation, id }, tags, text, state) {
  state.textContent = texts.saving;
  const note = { evaluation, id, tags: [...tags], note: text.value };
  const answer = await server.save_note(note).catch(() => ({ error: texts.no_answer }));
  state.textContent = answer.error ? fill(texts.failed, { why: answer.error }) : texts.saved;
  state.classList.toggle("mh-wrong", Boolean(answer.error));
  if (!answer.error) announce("noted");
}

function draw() {
  leave();
  const value = props.value;
  if (!value) {
    leave = () => {};
    root.replaceChildren();
    return;
  }
  const tags = new Set(value.tags);
  const state = el("span", { class: "mh-saved", role: "status" });
  const box = el("textarea", { rows: "2", placeholder: texts.text, "aria-label": texts.text,
    maxlength: "10000" });
  box.value = value.note;
  text = box;
  const save = saver(value, tags, box, state);
  let typing = 0;
  const keep = () => {
    if (typing) save();
    clearTimeout(typing);
    typing = 0;
  };
  leave = keep;
  box.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(keep, TYPING_MS);
  });
  box.addEventListener("blur", keep);
  const other = el("input", { type: "text", placeholder: texts.other, "aria-label": texts.other,
    maxlength: "100" });
  const names = el("div", { class: "mh-tag-list" }, ...[...new Set([...Object.keys(texts.tags), ...tags])]
    .map((name) => tagButton(name, tags, save)), other);
  other.addEventListener("keydown", (event) => {
    const name = other.value.trim();
    if (event.key !== "Enter" || !name) return;
    tags.add(name);
    other.before(tagButton(name, tags, save));
    other.value = "";
    save();
  });
  root.replaceChildren(el("h3", {}, texts.heading, " ", state), names, box);
}

document.addEventListener("mh:note", () => { if (root.offsetParent && text) text.focus(); });
watch("value", draw);
draw();
