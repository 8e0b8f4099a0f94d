// The bundled recordings as buttons. Every text enters as a text node.
const box = element.querySelector(".mh-examples");
const heading = document.createElement("p");
heading.textContent = props.texts.heading;

function button(example) {
  const node = document.createElement("button");
  const text = document.createElement("strong");
  const description = document.createElement("span");
  node.type = "button";
  text.textContent = example.text;
  description.textContent = example.description;
  node.append(text, description);
  node.addEventListener("click", () => trigger("choose", { id: example.id }));
  return node;
}

function draw() {
  box.replaceChildren(...(props.value.length ? [heading, ...props.value.map(button)] : []));
}

watch("value", draw);
draw();
