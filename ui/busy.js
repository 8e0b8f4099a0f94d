// What the page says when the queue is full: Gradio's own text is English, and says not why.
const ask = window.fetch;
window.fetch = async (...given) => {
  const answer = await ask(...given);
  if (answer.status !== 503 || !answer.url.includes("/queue/join")) return answer;
  const told = JSON.stringify({ detail: props.busy });
  return new Response(told, { status: 429, headers: { "Content-Type": "application/json" } });
};
