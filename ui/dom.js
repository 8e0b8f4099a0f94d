// Text enters as text nodes and attributes only, never as HTML; goes before a component's script.
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

