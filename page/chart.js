// A curve over a logarithmic axis of sizes: a band, points that fit and points that do not, points that were published.
import { drawing, s } from './dom.js';
import { group, percent } from './format.js';
import { linear, logarithmic, ticks } from './scales.js';

const H = 300, LEFT = 58, RIGHT = 16, TOP = 14, BOTTOM = 40;

function path(points, x, y) {
  return points.map((p, i) => `${i ? 'L' : 'M'}${x(p.x).toFixed(1)} ${y(p.y).toFixed(1)}`).join('');
}

function bandPath(points, x, y) {
  const up = points.map((p) => ({ x: p.x, y: p.high })), down = points.map((p) => ({ x: p.x, y: p.low })).reverse();
  return `${path(up, x, y)}${path(down, x, y).replace('M', 'L')}Z`;
}

function mark(point, x, y, onPick) {
  const cx = x(point.x), cy = y(point.y), label = `${group(point.x)} GPUs: ${percent(point.y)}${point.fits ? '' : ', does not fit'}`;
  const shape = point.fits ? s('circle', { cx, cy, r: point.own ? 6 : 4, class: point.own ? 'mark own' : 'mark' })
    : s('path', { d: `M${cx - 5} ${cy - 5}l10 10m0 -10l-10 10`, class: 'cross' });
  return s('g', { class: 'pick', tabindex: 0, role: 'button', 'aria-label': label, onclick: () => onPick(point.x),
    onkeydown: (event) => (event.key === 'Enter' || event.key === ' ') && onPick(point.x) },
  s('circle', { cx, cy, r: 12, fill: 'transparent' }), shape, s('title', { text: label }));
}

function published(point, x, y) {
  const cx = x(point.x), cy = y(point.y);
  return s('g', {}, s('path', { d: `M${cx} ${cy - 7}l7 7l-7 7l-7 -7z`, class: 'published' }),
    s('title', { text: `published: ${percent(point.y)} on ${group(point.x)} GPUs` }));
}

/** `W`: pixels. `points`: [{x, y, low, high, fits, own}] in order of x; `stated`: [{x, y}] that were published. */
export function curve(points, stated, label, W, onPick) {
  const all = [...points.flatMap((p) => [p.y, p.low, p.high]), ...stated.map((p) => p.y)].filter(Number.isFinite);
  const low = Math.max(0, Math.min(...all) * 0.9), high = Math.max(...all) * 1.06;
  const x = logarithmic(points[0].x, points.at(-1).x, LEFT + 14, W - RIGHT - 14), y = linear(low, high, H - BOTTOM, TOP);
  const banded = points.filter((p) => Number.isFinite(p.low));
  return drawing(W, H, label,
    ticks(low, high, 5).map((t) => s('g', {}, s('line', { x1: LEFT, x2: W - RIGHT, y1: y(t), y2: y(t), class: 'grid' }),
      s('text', { x: LEFT - 6, y: y(t) + 4, class: 'end small', text: percent(t) }))),
    points.map((p) => s('text', { x: x(p.x), y: H - BOTTOM + 18, class: 'middle small', text: group(p.x) })),
    s('text', { x: (LEFT + W) / 2, y: H - 6, class: 'middle small', text: 'GPUs' }),
    banded.length > 1 && s('path', { d: bandPath(banded, x, y), class: 'band' }),
    s('path', { d: path(points, x, y), class: 'line' }),
    points.map((p) => mark(p, x, y, onPick)), stated.map((p) => published(p, x, y)));
}
