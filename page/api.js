// Questions to the doors behind the page.

/** An answer that is an error: what is wrong, and where. */
export class Refused extends Error {
  constructor(error, status) {
    super(error?.message ?? `the server answered with ${status}`);
    this.name = 'Refused';
    this.status = status;
    this.key = error?.key ?? null;
    this.kind = error?.kind ?? null;
  }
}

let token = null;

export function setToken(text) {
  token = text;
}

function headers(accept) {
  const list = { 'Content-Type': 'application/json', Accept: accept };
  if (token) list.Authorization = `Bearer ${token}`;
  return list;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The answer of a door; throws Refused. `signal` ends the work behind it, too. */
export async function ask(door, question, signal) {
  const response = await fetch(`api/${door}`, {
    method: 'POST', headers: headers('application/json'), body: JSON.stringify(question), signal,
  });
  const answer = parse(await response.text());
  if (!response.ok || answer === null || answer.error && !('legal' in answer)) throw new Refused(answer?.error, response.status);
  return answer;
}

/** What the server has: its doors, its version, whether it saves. */
export async function list() {
  const response = await fetch('api', { headers: headers('application/json') });
  if (!response.ok) throw new Refused(parse(await response.text())?.error, response.status);
  return response.json();
}

/** Takes whole events off the front of a stream's text: {events: [{event, data}], rest}. */
export function events(text) {
  const blocks = text.split('\n\n');
  const rest = blocks.pop();
  return { events: blocks.map(parseEvent), rest };
}

function parseEvent(block) {
  const lines = block.split('\n');
  const named = lines.find((line) => line.startsWith('event: '));
  const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6)).join('\n');
  return { event: named ? named.slice(7) : 'message', data };
}

/** As ask, with progress(done, total) on the way. */
export async function stream(door, question, signal, progress) {
  const response = await fetch(`api/${door}`, {
    method: 'POST', headers: headers('text/event-stream'), body: JSON.stringify(question), signal,
  });
  if (!response.ok) throw new Refused(parse(await response.text())?.error, response.status);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Refused({ message: 'the answer was cut off' }, response.status);
    const taken = events(text + value);
    text = taken.rest;
    for (const { event, data } of taken.events) {
      if (event === 'progress') progress(...Object.values(parse(data)));
      if (event === 'answer') return parse(data);
      if (event === 'refused') throw new Refused(parse(data)?.error, response.status);
    }
  }
}
