// The lists, following the filter, with keys for the whole tab. Goes last, after the lists.

hear("view", ({ question, at, select }) => {
  if (view && view[set] !== question[set]) {
    query = { ...inTable };
    if (picked !== null) [picked, wanted] = [null, null];
  }
  view = question;
  word_at = at;
  query.offset = 0;
  load(select);
  open(shown);
});
hear("noted", () => { if (view) load(null); });

const typingIn = (node) => node.closest("input, textarea, select, [contenteditable]");
document.addEventListener("keydown", (event) => {
  if (!root.offsetParent || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typingIn(event.target)) return;
  const key = event.key.toLowerCase();
  const by = { j: 1, о: 1, k: -1, л: -1 }[key]; // the same keys where Cyrillic is typed
  if (by) step(by);
  else if (key === " " && !event.target.closest("button, a, audio, [role=slider]")) say("mh:play");
  else if (key === "r" || key === "к") say("mh:replay");
  else if (key === "t" || key === "е") say("mh:note");
  else return;
  event.preventDefault();
});
const say = (name) => document.dispatchEvent(new CustomEvent(name));

function restart() {
  if (root.firstChild && props.value && view?.[set] === props.value[set]) return;
  for (const act of leaving) act();
  if (!props.value) {
    view = null;
    root.replaceChildren();
    return;
  }
  root.replaceChildren(frame);
  if (view?.[set] === props.value[set]) return; // the filter was here first
  body.replaceChildren(shown === "utterances" ? utterances : "");
  for (const tab of tabs) tab.setAttribute("aria-selected", tab.dataset.panel === shown);
  announce("ask");
}

watch("value", restart);
restart();
