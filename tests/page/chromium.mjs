// A headless Chromium driven over a pipe: no package is needed, only the browser.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The browser of this machine, or null. */
export function find() {
  const names = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean);
  return names.find((name) => spawnSync(name, ['--version']).status === 0) ?? null;
}

export class Browser {
  constructor(program) {
    this.profile = mkdtempSync(join(tmpdir(), 'moesim-browser-'));
    this.process = spawn(program, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions',
      '--disable-background-networking', `--user-data-dir=${this.profile}`, '--remote-debugging-pipe', 'about:blank'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.next = 1;
    this.waiting = new Map();
    this.heard = [];
    let text = '';
    this.process.stdio[4].on('data', (bytes) => {
      const parts = (text + bytes).split('\0');
      text = parts.pop();
      parts.forEach((part) => this.hear(JSON.parse(part)));
    });
  }

  hear(message) {
    const waiting = this.waiting.get(message.id);
    if (!waiting) this.heard.forEach((listener) => listener(message));
    else if (message.error) waiting.reject(new Error(`${waiting.method}: ${message.error.message}`));
    else waiting.resolve(message.result);
    this.waiting.delete(message.id);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.next++;
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => { this.waiting.set(id, { resolve, reject, method }); });
  }

  async page(url, { width = 1400, height = 1000, dark = false } = {}) {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId);
    await page.open(url, width, height, dark);
    return page;
  }

  async close() {
    const ended = new Promise((resolve) => { this.process.on('exit', resolve); });
    await this.send('Browser.close').catch(() => {});
    await ended;
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** What went wrong in the eyes of the browser is kept in `faults`. */
class Page {
  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
    this.faults = [];
    this.requests = [];
    browser.heard.push(({ sessionId, method, params }) => sessionId === session && this.note(method, params));
  }

  note(method, params) {
    if (method === 'Runtime.exceptionThrown') this.faults.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Runtime.consoleAPICalled' && params.type === 'error') this.faults.push(params.args.map((a) => a.value ?? a.description).join(' '));
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.faults.push(`${params.entry.text} ${params.entry.url ?? ''}`);
    if (method === 'Network.requestWillBeSent') this.requests.push({ url: params.request.url, body: params.request.postData ?? '' });
  }

  send(method, params) {
    return this.browser.send(method, params, this.session);
  }

  async open(url, width, height, dark) {
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await this.send(`${domain}.enable`);
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await this.send('Emulation.setScrollbarsHidden', { hidden: true }); /* a whole page in a picture has none */
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    await this.send('Page.navigate', { url });
  }

  /** The value of an expression; promises are awaited. */
  async value(expression) {
    const answer = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.exception?.description ?? expression);
    return answer.result.value;
  }

  /** Waits until the expression is true; fails with what was waited for. */
  async until(expression, what, ms = 30000) {
    const end = Date.now() + ms;
    while (!await this.value(`(() => { try { return Boolean(${expression}); } catch { return false; } })()`)) {
      if (Date.now() > end) throw new Error(`in vain: ${what}`);
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
  }

  async screenshot() {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
    return Buffer.from(data, 'base64');
  }
}
