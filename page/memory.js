// Memory per stage: parts, capacity, and what has to stay free.
import { drawing, put, room, s } from './dom.js';
import { bytes } from './format.js';
import { linear, ticks } from './scales.js';

const PARTS = [
  ['weights', '#1f4e8c', '#fff'], ['gradients', '#8ecbe8', '#111'], ['optimizer', '#6d4a9c', '#fff'], ['activations', '#f0b95c', '#111'],
  ['workspace', '#0a6b56', '#fff'], ['allocator', '#d9d2c3', '#111'], ['system', '#5b6570', '#fff'],
];

const LEFT = 74, RIGHT = 96, LINE = 16, MOST_STAGES = 16;

/** Stages that are drawn: all, or evenly chosen ones with the fullest among them. */
export function chosen(stages, most = MOST_STAGES) {
  if (stages.length <= most) return stages;
  const fullest = stages.reduce((a, b) => (b.peak_bytes > a.peak_bytes ? b : a));
  const step = (stages.length - 1) / (most - 1);
  const list = new Set(Array.from({ length: most }, (_, i) => stages[Math.round(i * step)]));
  list.add(fullest);
  return [...list].sort((a, b) => a.stage - b.stage);
}

function bar(stage, y, x, height, right) {
  let at = 0;
  return s('g', {}, s('text', { x: LEFT - 8, y: y + height - 4, class: 'end', text: `stage ${stage.stage}` }),
    PARTS.filter(([part]) => stage.parts[part] > 0).map(([part, fill, ink]) => {
      const from = at;
      at += stage.parts[part];
      const width = x(at) - x(from);
      return s('g', {}, s('rect', { x: x(from), y, width: Math.max(width - 1, 0.5), height, fill },
        s('title', { text: `${part}: ${bytes(stage.parts[part])}` })),
        width > part.length * 7 + 8 && height > 11 && s('text', { x: x(from) + 5, y: y + height / 2 + 4, fill: ink, class: 'inside', text: part }));
    }),
    s('text', { x: right + 8, y: y + height - 4, class: 'num', text: bytes(stage.peak_bytes) }));
}

/** Places of the parts' names below the drawing, each behind its colour, in as many lines as they need: [{part, fill, x, line}]. */
export function legend(parts, width) {
  let x = LEFT, line = 0;
  return PARTS.filter(([part]) => parts[part] > 0).map(([part, fill]) => {
    const room = 24 + part.length * 7.2;
    if (x > LEFT && x + room > width) [x, line] = [LEFT, line + 1];
    const at = x;
    x += room;
    return { part, fill, x: at, line };
  });
}

function named({ part, fill, x, line }, y) {
  const at = y + line * LINE;
  return s('g', {}, s('rect', { x, y: at - 9, width: 10, height: 10, fill }), s('text', { x: x + 14, y: at, class: 'small', text: part }));
}

export function draw(memory) {
  const stages = chosen(memory.stages);
  const high = Math.max(memory.capacity_bytes, memory.peak_bytes) * 1.02;
  const width = room('memory'), right = width - RIGHT, x = linear(0, high, LEFT, right);
  const height = stages.length > 6 ? 14 : 20, top = 18;
  const bottom = top + stages.length * (height + 4);
  const names = legend(memory.parts, width), lines = (names.at(-1)?.line ?? 0) + 1;
  const limit = memory.capacity_bytes - memory.headroom_bytes;
  put('memory', drawing(width, bottom + 26 + lines * LINE, `memory: ${bytes(memory.peak_bytes)} of ${bytes(memory.capacity_bytes)}`,
    ticks(0, high, Math.round(width / 150)).map((t) => s('text', { x: x(t), y: bottom + 14, class: 'middle small', text: bytes(t) })),
    s('rect', { x: x(limit), y: top - 2, width: Math.max(x(memory.capacity_bytes) - x(limit), 1), height: bottom - top, class: 'headroom' }),
    stages.map((stage, i) => bar(stage, top + i * (height + 4), x, height, right)),
    names.map((name) => named(name, bottom + 36)),
    s('line', { x1: x(memory.capacity_bytes), x2: x(memory.capacity_bytes), y1: top - 6, y2: bottom, class: 'capacity' }),
    s('text', { x: x(memory.capacity_bytes), y: 10, class: 'end small', text: `capacity ${bytes(memory.capacity_bytes)}, headroom ${bytes(memory.headroom_bytes)}` })));
}
