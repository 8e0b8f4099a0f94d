// Ten errors to be heard one after the other; goes after panel_base.js.
const bar = el("div", { class: "mh-player", hidden: "" });
tablist.after(bar);
leaving.push(hush);
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
