// Making and filling elements. Texts only ever become text nodes.

const SVG = "http://www.w3.org/2000/svg";

function byId(id) {
  return document.getElementById(id);
}

// h("p", {class: "small"}, "text", element, …): an element; properties starting with "on" are listeners.
function h(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

function s(tag, properties = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...present(children));
  return element;
}

// Nested lists of children as one, without the absent ones.
function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

// Fill an element anew.
function show(id, ...children) {
  byId(id).replaceChildren(...present(children));
}

// Numbers as people read them.
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.0095 ? 2 : share < 0.0995 ? 1 : 0)} %`;
const decimal = (number, digits = 2) => number.toFixed(digits).replace(/^(-?)0\./, "$1.").replace("-", "−");
const thousands = (number) => number.toLocaleString("en");
const plural = (count, one, many = `${one}s`) => `${thousands(count)} ${count === 1 ? one : many}`;
const shortened = (text, length) => (text.length > length ? `${text.slice(0, length - 1).trimEnd()}…` : text);
