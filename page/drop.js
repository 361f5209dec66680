// Files that are dropped: a run, a config.json of a model, arguments of Megatron-LM.

/** What a file is, by its name and text: 'run', 'hf', 'megatron', 'torchtitan'. */
export function kindOf(name, text) {
  if (/\.toml$/i.test(name)) return 'torchtitan';
  if (/\.json$/i.test(name) || /^\s*\{/.test(text)) return 'hf';
  if (/--[a-z][a-z0-9-]+/.test(text) && !/^(architecture|extends|parallelism)\s*:/m.test(text)) return 'megatron';
  return 'run';
}

/** A name without folder and ending. */
export function stem(name) {
  return name.replace(/^.*[\\/]/, '').replace(/\.[^.]*$/, '').replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[.-]+/, '') || 'run';
}

/** Question to the door "convert"; the machine is that of the run looked at. */
export function question(name, text, kind, state, own) {
  return { format: kind, config: text, name: stem(name), cluster: state.cluster || own.get('cluster.name'),
    stack: state.stack || own.get('stack.name'), gpus: Number(state.gpus || own.get('parallelism.gpus')) };
}

/** A run without lines that are comments: the address holds it. */
export function withoutComments(text) {
  return text.replace(/^\s*#.*\n/gm, '');
}

/** Calls `take(name, text)` for a file that is dropped anywhere or chosen in `input`. */
export function listen(input, take) {
  const read = async (file) => file && take(file.name, await file.text());
  addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  addEventListener('dragleave', (event) => event.relatedTarget === null && document.body.classList.remove('dropping'));
  addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dropping');
    read(event.dataTransfer.files[0]);
  });
  input.addEventListener('change', () => read(input.files[0]));
}
