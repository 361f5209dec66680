// Elements in one line. Text is text: nothing is ever read as markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'text') element.textContent = value;
    else if (key === 'checked' || key === 'value' || key === 'selected') element[key] = value;
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function s(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

export function $(id) {
  return document.getElementById(id);
}

export function put(id, ...children) {
  $(id).replaceChildren(...children.flat().filter(Boolean));
}

/** Pixels that a drawing in an element may be wide, so that its letters keep their size. */
export function room(id, most = 1000) {
  return Math.min(Math.max($(id).clientWidth || most, 360), most);
}

/** A drawing with a description for those who do not see it. */
export function drawing(width, height, label, ...children) {
  return s('svg', { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label, class: 'drawing' }, ...children);
}
