// Numbers as people read them: three or four digits that mean something, one unit.

const PREFIXES = [[1e15, 'P'], [1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k'], [1, '']];

/** Four significant digits without trailing zeros; large numbers with thin spaces. */
export function number(value, digits = 4) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 10 ** digits) return group(Math.round(value));
  const text = size === 0 ? '0' : value.toPrecision(digits);
  const plain = text.includes('e') ? String(Number(text)) : text;
  return plain.includes('.') ? plain.replace(/\.?0+$/, '') : plain;
}

/** 8192 -> "8,192". */
export function group(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** 0.2212 -> "22.1 %". */
export function percent(share, digits = 1) {
  return Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : '–';
}

/** With a prefix: 552.9e12 and "FLOP/s" -> "552.9 TFLOP/s". */
export function quantity(value, unit, digits = 4) {
  if (!Number.isFinite(value)) return '–';
  const [scale, prefix] = PREFIXES.find(([s]) => Math.abs(value) >= s) ?? [1, ''];
  return `${number(value / scale, digits)} ${prefix}${unit}`;
}

export function bytes(value) {
  return quantity(value, 'B');
}

/** A duration of a step or kernel. */
export function seconds(value) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0 s';
  if (size >= 1) return `${number(value)} s`;
  if (size >= 1e-3) return `${number(value * 1e3)} ms`;
  if (size >= 1e-6) return `${number(value * 1e6)} µs`;
  return `${number(value * 1e9)} ns`;
}

export function days(value) {
  return Number.isFinite(value) ? `${number(value, value < 10 ? 2 : 3)} d` : '–';
}

export function dollars(value) {
  if (!Number.isFinite(value)) return '–';
  if (value >= 1e9) return `$${number(value / 1e9, 3)} B`;
  if (value >= 1e6) return `$${number(value / 1e6, 3)} M`;
  return `$${group(Math.round(value))}`;
}

/** With its sign, as a change: "+1.2". */
export function signed(text) {
  return /^[-–]/.test(text) ? text.replace('-', '−') : `+${text}`;
}

/** "30T", "14.8e12", "2.5 B" to a number; NaN when it is none. */
export function amount(text) {
  const match = /^\s*([0-9][0-9_,]*\.?[0-9]*(?:e[+-]?[0-9]+)?)\s*([kKMBT]?)\s*$/.exec(text ?? '');
  if (!match) return NaN;
  const scale = { '': 1, k: 1e3, K: 1e3, M: 1e6, B: 1e9, T: 1e12 }[match[2]];
  return Number(match[1].replace(/[_,]/g, '')) * scale;
}

/** "90d", "12 h", "30" (days) to seconds; NaN when it is none. */
export function duration(text) {
  const match = /^\s*([0-9]+\.?[0-9]*)\s*(d|h|min|s)?\s*$/.exec(text ?? '');
  return match ? Number(match[1]) * { d: 86400, h: 3600, min: 60, s: 1 }[match[2] ?? 'd'] : NaN;
}
