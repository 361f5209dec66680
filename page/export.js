// What leaves the page: text to the clipboard, files to the person.
import { h } from './dom.js';

export function download(name, data, type) {
  const url = URL.createObjectURL(data instanceof Blob ? data : new Blob([data], { type }));
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

/** Without the clipboard of a safe page (an address of another machine over http), by a selected field. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = h('textarea', { value: text });
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
  return undefined;
}

const STYLED = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-size', 'font-weight', 'font-family', 'text-anchor', 'dominant-baseline'];

/** A drawing that looks the same without the page: its styles written into it. */
export function standalone(svg) {
  const copied = svg.cloneNode(true), box = svg.viewBox.baseVal;
  const from = [svg, ...svg.querySelectorAll('*')], to = [copied, ...copied.querySelectorAll('*')];
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of STYLED) to[i].setAttribute(name, style.getPropertyValue(name));
    to[i].removeAttribute('class');
  });
  copied.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copied.setAttribute('width', box.width);
  copied.setAttribute('height', box.height);
  return copied;
}

/** Drawings below one another as a PNG, twice as fine as the page. */
export async function png(drawings, background) {
  const images = await Promise.all(drawings.map((svg) => {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(standalone(svg)))}`;
    return image.decode().then(() => image);
  }));
  const width = Math.max(...images.map((i) => i.width)), height = images.reduce((sum, i) => sum + i.height + 16, 16);
  const canvas = h('canvas', { width: 2 * width, height: 2 * height }), pen = canvas.getContext('2d');
  pen.scale(2, 2);
  pen.fillStyle = background;
  pen.fillRect(0, 0, width, height);
  images.reduce((y, image) => {
    pen.drawImage(image, 0, y, image.width, image.height);
    return y + image.height + 16;
  }, 8);
  return new Promise((resolve) => { canvas.toBlob(resolve, 'image/png'); });
}

function cell(value) {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Nested objects as "a.b.c", one line per key: the numbers of an answer as CSV. */
export function csv(results) {
  const rows = results.map((r) => new Map(flat(r.result, '')));
  const keys = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = [['key', ...results.map((r) => r.name)], ...keys.map((key) => [key, ...rows.map((row) => row.get(key))])];
  return `${lines.map((line) => line.map(cell).join(',')).join('\n')}\n`;
}

export function flat(value, path) {
  if (value === null || typeof value !== 'object') return [[path, value]];
  return Object.entries(value).flatMap(([key, child]) => flat(child, path ? `${path}.${key}` : key));
}

/** A page of its own: what is seen now, without controls. */
export function report(title, command, sections) {
  const page = document.implementation.createHTMLDocument(title);
  const style = 'body{font:15px/1.5 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em;color:#1c1a16;background:#fff}'
    + 'table{border-collapse:collapse}td,th{padding:.2em .7em;text-align:left;border-bottom:1px solid #ddd}svg{max-width:100%;height:auto}pre{overflow:auto}';
  const add = (name, text) => {
    const element = page.createElement(name);
    element.textContent = text;
    page.body.append(element);
  };
  add('h1', title);
  add('pre', command);
  for (const { heading, content } of sections) {
    add('h2', heading);
    for (const element of content) page.body.append(page.importNode(element instanceof SVGElement ? standalone(element) : element, true));
  }
  /* the style is written as text: this page's own policy allows none in elements that it makes */
  return `<!doctype html>\n${page.documentElement.outerHTML.replace('</head>', () => `<style>${style}</style></head>`)}\n`;
}
