// Sends the microphone's sound while a recording goes on, and shows the text that comes back.
// One request at a time: whatever was said meanwhile goes with the next, and nothing is lost.
const box = element.querySelector(".mh-live");
const SHORTEST_S = 0.1; // of sound in a request
const TAP = `
registerProcessor("mh-tap", class extends AudioWorkletProcessor {
  process([input]) {
    if (input[0]) this.port.postMessage(input[0].slice());
    return true;
  }
});`;

let recording = null; // { id, chosen, stream, context, blocks, length, busy }

function part(tag, text = "") {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}

const label = part("small", props.texts.partial);
const settled = part("span");
const growing = part("em");

function show(text) {
  // Only what differs is written, so that a screen reader reads only that.
  if (settled.textContent !== text.settled) settled.textContent = text.settled;
  if (growing.textContent !== text.growing) growing.textContent = text.growing;
  if (!box.firstChild) box.append(label, settled, " ", growing);
}

function take(now) {
  const samples = new Int16Array(Math.min(now.length, props.longest_s * now.context.sampleRate));
  let at = 0;
  while (at < samples.length) {
    const block = now.blocks.shift();
    const piece = block.subarray(0, samples.length - at);
    for (let i = 0; i < piece.length; i += 1) {
      samples[at + i] = Math.max(-32768, Math.min(32767, Math.round(32768 * piece[i])));
    }
    at += piece.length;
    if (piece.length < block.length) now.blocks.unshift(block.subarray(piece.length));
  }
  now.length -= at;
  return samples;
}

function base64(samples) {
  let text = "";
  for (const byte of new Uint8Array(samples.buffer)) text += String.fromCharCode(byte);
  return btoa(text);
}

async function send(now) {
  const rate = now.context.sampleRate;
  if (now.busy || now.length < SHORTEST_S * rate) return;
  now.busy = true;
  const asked = performance.now();
  try {
    const text = await server.hear_more({
      id: now.id, ...now.chosen, rate, pcm: base64(take(now)),
    });
    if (text.error) throw new Error(text.error);
    if (now === recording) {
      show(text);
      box.dataset.took_ms = `${box.dataset.took_ms ?? ""} ${Math.round(performance.now() - asked)}`;
    }
    now.busy = false;
  } catch {
    silence(); // the recorder goes on, and its recording is heard as a whole
  }
}

async function listen({ detail }) {
  silence();
  box.dataset.took_ms = "";
  const now = { id: `${Math.random()}`, chosen: detail, blocks: [], length: 0, busy: false };
  recording = now;
  show({ settled: "", growing: "" });
  try {
    now.stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    now.context = new AudioContext();
    const url = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    await now.context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    const tap = new AudioWorkletNode(now.context, "mh-tap", { numberOfOutputs: 0 });
    tap.port.onmessage = ({ data }) => {
      now.blocks.push(data);
      now.length += data.length;
      if (now === recording) send(now);
    };
    now.context.createMediaStreamSource(now.stream).connect(tap);
  } catch {
    if (now === recording) clear(); // no microphone for us: the recorder says what is wrong
  }
  if (now !== recording) release(now);
}

function release(now) {
  now.stream?.getTracks().forEach((track) => track.stop());
  if (now.context?.state !== "closed") now.context?.close();
}

function silence() {
  if (recording) release(recording);
  recording = null;
}

function clear() {
  silence();
  box.replaceChildren();
}

document.addEventListener("mh-listen", listen);
document.addEventListener("mh-silence", silence);
document.addEventListener("mh-heard", clear);
