// The bundled recordings as buttons. Every text enters as a text node.
const box = element.querySelector(".mh-examples");
const heading = document.createElement("p");
heading.textContent = props.texts.heading;

const buttons = props.value.map((example) => {
  const button = document.createElement("button");
  const text = document.createElement("strong");
  const description = document.createElement("span");
  button.type = "button";
  text.textContent = example.text;
  description.textContent = example.description;
  button.append(text, description);
  button.addEventListener("click", () => trigger("choose", { id: example.id }));
  return button;
});
box.replaceChildren(heading, ...buttons);
