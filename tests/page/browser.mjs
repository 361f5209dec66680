// The page in a browser, as a planner uses it. usage: browser.mjs PROGRAM [FOLDER for screenshots]; skipped (77) without a browser.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Browser, find } from './chromium.mjs';

const [program, shots] = process.argv.slice(2);
const chromium = find();

if (!chromium) {
  console.log('no Chromium here: skipped');
  process.exit(77);
}

const server = spawn(program, ['serve', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
const url = await new Promise((resolve) => { server.stdout.once('data', (text) => resolve(String(text).trim())); });
const browser = new Browser(chromium);
process.on('exit', () => { server.kill('SIGKILL'); browser.process.kill('SIGKILL'); });
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/* ---- what a person does ---- */

const settled = (page) => page.until("!document.body.classList.contains('busy') && document.querySelectorAll('.tile').length === 7", 'an answer', 60000);

/** Chooses a value of a control, by a click on it or in its list. */
async function turn(page, key, value) {
  await page.value(`(() => {
    const all = [...document.querySelectorAll('#controls [data-key="${key}"]')];
    const one = all.find((e) => e.type === 'radio' && e.value === ${JSON.stringify(value)});
    if (one) return one.click();
    const [only] = all;
    only.value = ${JSON.stringify(value)};
    only.dispatchEvent(new Event('change'));
  })()`);
}

const text = (page, selector) => page.value(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? ''`);

async function visit(steps) {
  const page = await browser.page(url);
  await settled(page);
  for (const [name, step] of Object.entries(steps)) {
    await step(page).catch(async (error) => { console.log(`not ok - ${name}: ${await page.value('document.body.className + document.body.innerText')}`); throw error; });
    console.log(`ok - ${name}`);
  }
  assert.deepEqual(page.faults, [], 'the console is clean');
  assert.deepEqual(page.requests.map((r) => r.url).filter((r) => !r.startsWith(url) && !/^(data|blob|about):/.test(r)), [], 'nothing is fetched from elsewhere');
  return page;
}

const TEN = [['parallelism.expert', '32'], ['parallelism.zero', '3'], ['training.global_batch', '16384'], ['training.micro_batch', '2'],
  ['offload.activations', '0.5'], ['cluster.network.nic', '800 Gbit/s'], ['cluster.domain.gpus', '32'], ['recompute.mode', 'none'],
  ['training.precision.lm_head', 'bf16'], ['cluster.price.gpu_hour', '3'], ['cluster.accelerator.memory', '288 GB']];

await visit({
  'the run answers as its file says': async (page) => {
    assert.match(await text(page, '#headline'), /MFU/);
    assert.match(await text(page, '#headline'), /published/);
  },
  'P10 and P90 follow': (page) => page.until("document.querySelector('.tile .range').innerText.includes('–')", 'an interval', 60000),
  'ten controls change the answer': async (page) => {
    const took = [];
    for (const [key, value] of TEN) {
      await turn(page, key, value);
      await settled(page);
      assert.equal(await text(page, '#error'), '', `${key} ${value}`);
      took.push(Number(await page.value('document.documentElement.dataset.answerMs')));
      assert.ok(await page.value(`new URLSearchParams(location.hash.slice(1)).get('set.${key}') === ${JSON.stringify(value)}`), key);
    }
    console.log(`# first answers after ${took.sort((a, b) => a - b).join(', ')} ms`);
    assert.doesNotMatch(await text(page, '#headline'), /published/); /* that was another configuration */
  },
  'what is in view is refreshed, and no panel asks what another did': async (page) => {
    await page.value('scrollTo(0, 0)');
    page.requests.length = 0;
    await turn(page, 'cluster.network.nic', '200 Gbit/s');
    await settled(page);
    await page.until("document.documentElement.dataset.doneMs", 'the end of all work', 120000);
    const seen = await page.value(`[...document.querySelectorAll('main > .panel, .pair > .panel')].filter((e) => e.getBoundingClientRect().top < innerHeight)
      .map((e) => [e.id, e.classList.contains('stale')])`);
    assert.ok(seen.length >= 3, seen.join());
    assert.deepEqual(seen.filter(([, stale]) => stale), []);
    const asked = page.requests.filter((r) => r.body).map((r) => `${r.url} ${r.body}`);
    assert.deepEqual(asked.filter((question, i) => asked.indexOf(question) < i), []);
    console.log(`# ${asked.length} questions; in view after ${await page.value('document.documentElement.dataset.pageMs')} ms, all after `
      + `${await page.value('document.documentElement.dataset.doneMs')} ms`);
  },
  'the address is the state': async (page) => {
    const before = await text(page, '.tile .value'), hash = await page.value('location.hash');
    const other = await browser.page(`${url}${hash}`);
    await settled(other);
    assert.equal(await text(other, '.tile .value'), before);
    assert.deepEqual(other.faults, []);
    await page.send('Page.bringToFront'); /* nothing is seen of a page behind another */
  },
  'a run is pinned and compared': async (page) => {
    await page.value("document.querySelector('[data-pin=A]').click()");
    await page.value("document.getElementById('reset').click()");
    await settled(page);
    await page.until("[...document.querySelectorAll('#waterfall text')].some((t) => t.textContent === 'A')", 'slot A');
  },
  'an illegal value is greyed, says why, and offers a legal one': async (page) => {
    await page.until("document.querySelector('#controls .illegal')", 'a greyed value');
    const reason = await page.value("document.querySelector('#controls label.illegal')?.title");
    assert.match(reason, /expected/);
    await page.value("document.querySelector('#controls label.illegal input').click()");
    await page.until("document.querySelector('#error button')", 'an offer');
    assert.match(await text(page, '#error'), /expected/);
    await page.value("document.querySelector('#error button').click()");
    await settled(page);
    assert.equal(await text(page, '#error'), '');
  },
  'a size that the layout does not divide is greyed below the slider, says why, and offers a legal one': async (page) => {
    await turn(page, 'parallelism.pipeline', '1');
    await settled(page);
    await page.value("(() => { const g = document.getElementById('gpus'); g.value = '8200'; g.dispatchEvent(new Event('change')); })()");
    await page.until("document.querySelector('#sizes label.illegal input:checked')", 'a greyed size');
    assert.match(await page.value("document.querySelector('#sizes label.illegal').title"), /expected/);
    assert.match(await text(page, '#sizes .reason'), /expected/);
    await page.value("document.getElementById('reset').click()");
    await settled(page);
    assert.equal(await text(page, '#sizes .reason'), '');
  },
  'every size has its own band': async (page) => {
    await page.until("document.getElementById('scale-note').textContent.includes('P10 to P90 of each size')", 'bands of sizes', 120000);
  },
  'the keyboard reaches a control and turns it': async (page) => {
    await page.value(`document.querySelector('#controls [data-key="parallelism.zero"]:checked').focus()`);
    const before = await page.value('location.hash');
    for (const type of ['keyDown', 'keyUp']) await page.send('Input.dispatchKeyEvent', { type, key: 'ArrowRight', code: 'ArrowRight', windowsVirtualKeyCode: 39 });
    await settled(page);
    assert.notEqual(await page.value('location.hash'), before);
    assert.equal(await page.value('document.activeElement.dataset.key'), 'parallelism.zero', 'the control keeps the keyboard');
    await page.value("document.getElementById('reset').click()");
    await settled(page);
  },
  'a config.json is dropped': async (page) => {
    const config = readFileSync(new URL('../interchange/hf/mixtral-8x7b.json', import.meta.url), 'utf8');
    await page.value(`(() => { const data = new DataTransfer(); data.items.add(new File([${JSON.stringify(config)}], 'mixtral.json'));
      dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })); })()`);
    await page.until("document.getElementById('model').value === 'mixtral'", 'the dropped model');
    await settled(page);
    await page.value('history.back()');
    await settled(page);
  },
  'a search is begun and cancelled': async (page) => {
    await page.value("document.getElementById('p-search').open = true; document.getElementById('search-start').click()");
    await page.until("document.querySelector('#search progress')", 'a search');
    await sleep(500);
    await page.value("document.querySelector('#search button').click()");
    await page.until("document.getElementById('search').innerText.includes('Cancelled')", 'its end', 5000);
  },
  'files are exported': async (page) => {
    await page.value("window.saved = []; window.made = new Map(); const real = URL.createObjectURL; URL.createObjectURL = (blob) => { const href = real(blob); made.set(href, blob); return href; };"
      + "HTMLAnchorElement.prototype.click = function () { saved.push([this.download, made.get(this.href)]); }");
    for (const id of ['save-yaml', 'save-csv', 'save-png', 'save-report']) await page.value(`document.getElementById('${id}').click()`);
    await page.until('saved.length === 4', 'four files');
    const files = await page.value(`Promise.all(saved.map(async ([name, blob]) =>
      [name.split('.').pop(), blob.size, name.endsWith('png') ? [...new Uint8Array(await blob.slice(0, 4).arrayBuffer())].join() : await blob.text()]))`);
    const of = Object.fromEntries(files.map(([kind, size, data]) => [kind, { size, data }]));
    assert.deepEqual(Object.keys(of).sort(), ['csv', 'html', 'png', 'yaml']);
    assert.ok(of.png.size > 10000 && of.png.data === '137,80,78,71', `a picture of ${of.png.size} bytes`);
    assert.match(of.csv.data, /^key,now,A\n(.*\n)*mfu\.causal,0\.[0-9]+,0\.[0-9]+\n/);
    assert.match(of.html.data, /<h1>.*<pre>moesim run .*<svg/s);
    assert.doesNotMatch(of.html.data, /<script|src=/);
    const file = `${mkdtempSync(`${tmpdir()}/moesim-page-`)}/saved.yaml`;
    writeFileSync(file, of.yaml.data);
    const mfu = JSON.parse(spawnSync(program, ['run', file, '--format', 'json']).stdout).mfu.causal;
    rmSync(dirname(file), { recursive: true });
    assert.match(of.csv.data, new RegExp(`^mfu\\.causal,${mfu},`, 'm')); /* the saved run gives the numbers that were seen */
  },
  'the copied command prints the numbers of the page': async (page) => {
    await page.value("window.copied = ''; navigator.clipboard.writeText = async (text) => { window.copied = text; }; document.getElementById('copy-command').click()");
    await page.until('window.copied', 'a command');
    const words = (await page.value('window.copied')).split(' ');
    assert.deepEqual(words.slice(0, 2), ['moesim', 'run']);
    const run = JSON.parse(spawnSync(resolve(program), [...words.slice(1), '--format', 'json'], { cwd: process.env.MOESIM_DATA ?? '.' }).stdout);
    assert.equal(`${(100 * run.mfu.causal).toFixed(1)} %`, await text(page, '.tile .value'));
  },
  'Perfetto is handed the trace in the browser': async (page) => {
    await page.value(`document.getElementById('p-timeline').open = true; document.getElementById('p-timeline').scrollIntoView()`);
    await page.until("!document.getElementById('p-timeline').classList.contains('stale')", 'a timeline', 60000);
    const handed = await page.value(`new Promise((resolve) => {
      const real = window.open, origin = 'https://ui.perfetto.dev';
      const answer = () => dispatchEvent(new MessageEvent('message', { origin, data: 'PONG' }));
      window.open = (address) => { window.open = real; return { postMessage: (what, to) => {
        if (what === 'PING') answer();
        else resolve([address, to, what.perfetto.title, JSON.parse(new TextDecoder().decode(what.perfetto.buffer)).traceEvents.length]);
      } }; };
      document.getElementById('perfetto').click();
    })`);
    assert.deepEqual(handed.slice(0, 2), ['https://ui.perfetto.dev', 'https://ui.perfetto.dev']);
    assert.ok(handed[3] > 1000, `${handed[3]} events`);
    await page.value('scrollTo(0, 0)');
  },
  'the timeline is drawn and zoomed': async (page) => {
    await page.value("document.getElementById('reset').click()");
    await settled(page);
    /* panels above it fill meanwhile and push it down: it is computed when it is seen, so it is looked for again */
    await page.until(`(() => { const panel = document.getElementById('p-timeline');
      panel.open = true;
      panel.scrollIntoView();
      return !panel.classList.contains('stale'); })()`, 'a timeline', 60000);
    await page.value("document.getElementById('timeline').dispatchEvent(new KeyboardEvent('keydown', { key: '+' }))");
    const inked = await page.value(`(() => { const c = document.getElementById('timeline');
      const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n / (d.length / 4); })()`);
    assert.ok(inked > 0.1, `${inked} of the canvas is drawn`);
  },
});

/* ---- how it looks, for people ---- */

for (const width of shots ? [800, 1400] : [])
  for (const dark of [false, true]) {
    const page = await browser.page(url, { width, dark });
    await settled(page);
    await page.value("for (const d of document.querySelectorAll('main details')) d.open = true");
    for (let y = 0; y < 6; y++) {
      await page.value(`scrollTo(0, ${y} * 700)`);
      await sleep(1500);
    }
    writeFileSync(`${shots}/page-${width}-${dark ? 'dark' : 'light'}.png`, await page.screenshot());
    assert.deepEqual(page.faults, []);
  }

await browser.close();
server.kill('SIGTERM');
await new Promise((resolve) => { server.on('exit', resolve); });
console.log('1..1');
