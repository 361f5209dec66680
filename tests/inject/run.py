#!/usr/bin/env python3
"""Every call that can fail does, in every command that writes: status 0 never goes with a damaged or missing output, and a failure leaves
what was there and nothing half written.

run.py MOESIM LIBINJECT [MOST]    MOST: moments per function and command (default: 4 in the suite; 200 is the long trial)
"""
import gzip, os, pathlib, re, shutil, subprocess, sys, tempfile

moesim, library = os.path.realpath(sys.argv[1]), os.path.realpath(sys.argv[2])
most = int(sys.argv[3]) if len(sys.argv) > 3 else 4
data = os.environ['MOESIM_DATA']
run = f'{data}/models/mixtral-8x7b.yaml'
work = pathlib.Path(tempfile.mkdtemp())
place = work / 'place'
counts = work / 'counts'

# A step of one node is small enough to write in a moment, and has every kind of record.
small = ['--gpus', '8'] + [word for change in ('training.global_batch=8', 'training.sequence_length=1024', 'architecture.layers=2',
                                               'parallelism.tensor=1', 'parallelism.pipeline=1', 'parallelism.virtual_stages=1',
                                               'parallelism.schedule=none') for word in ('--set', change)]
commands = {
    'trace': ['run', run, *small, '--trace', place / 'out'],
    'packed': ['run', run, *small, '--trace', place / 'out.gz'],
    'report': ['report', run, *small, '--samples', '0', '-o', place / 'out'],
    'goal': ['export', 'goal', run, *small, '-o', place / 'out'],
    'chakra': ['export', 'chakra', run, *small, '-o', place / 'out'],
    'import': ['import', 'hf', f'{data}/tests/interchange/hf/mixtral-8x7b.json', '--gpus', '64', '--tensor', '1', '--expert', '8', '-o', place / 'out'],
    'layout': ['import', 'hf', f'{data}/tests/bad/hf-llama.json', '--gpus', '1', '-o', place / 'out'],
    'fabrics': ['calibrate-network', f'{data}/validation/measured/p2p.yaml', '--shipped', '--write', place],
    'sweep': ['sweep', run, '--vary', 'parallelism.zero=0,1', '--vary', 'training.micro_batch=1,2', '--jobs', '1', '--format', 'csv',
              '--store', place / 'out.sqlite', '--resume'],
    'run': ['run', run, '--format', 'csv'],
}
replaces = ('trace', 'report', 'goal', 'import', 'layout')  # a file that is there
OLDER = b'older\n'
ERRORS = {'open': 'EMFILE', 'read': 'EIO', 'close': 'EIO', 'fsync': 'EIO', 'rename': 'EIO', 'fclose': 'EIO', 'malloc': 'ENOMEM'}  # else ENOSPC


def content():
    """Of every file but stores, which keep SQLite's own counters."""
    files = {}
    for path in place.rglob('*'):
        if path.is_file() and '.sqlite' not in path.name:
            whole = path.read_bytes()
            try:
                files[str(path.relative_to(place))] = gzip.decompress(whole) if path.suffix == '.gz' else whole
            except (OSError, EOFError):
                files[str(path.relative_to(place))] = b'not whole: ' + whole
    return files


def printed(text):
    """Without the time on the wall."""
    return [line.split(b',')[:20] for line in text.splitlines() if not line.startswith(b'simulated')]


def once(name, plan):
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    if name in replaces:
        (place / 'out').write_bytes(OLDER)
    return subprocess.run([moesim, *commands[name]], stdin=subprocess.DEVNULL, capture_output=True, check=False,
                          env={**os.environ, 'INJECT': plan, 'INJECT_COUNT': counts, 'LD_PRELOAD': library})


def store_is_whole():
    done = subprocess.run([moesim, 'store', 'check', place / 'out.sqlite'], capture_output=True, text=True, check=False)
    return any(re.match('points +4 of 4', line) for line in done.stdout.splitlines())


def wrong(name, call, done, reference):
    """What fell short. After a success: everything is as without a failure. After a failure: what was there, nothing else, and a reason."""
    files = content()
    if done.returncode == 0:
        if files != reference['files']:
            yield 'success with another output'
        if printed(done.stdout) != reference['printed']:
            yield 'success with another answer'
        if name == 'sweep' and not store_is_whole():
            yield 'success with a store that is not whole'
        return
    if call != 'malloc' and done.returncode != 2:
        yield 'neither done nor refused'
    if not done.stderr and not (call == 'malloc' and done.returncode < 0):  # whoever started it hears of the signal
        yield 'no reason'
    whole = files == reference['files']
    left = sum(not path.name.startswith('out.sqlite') for path in place.rglob('*'))
    if name in replaces:
        if files.get('out') != OLDER and not whole:
            yield 'what was there is gone'
        if left != 1 and call != 'malloc':
            yield 'something half written is left'
    elif left and not whole and call not in ('malloc', 'rename'):
        yield 'something half written is left'


def moments(n):
    """At most so many numbers from 1 to n, the first and the last among them."""
    return range(1, n + 1) if n <= most else [1 + i * (n - 1) // (most - 1) for i in range(most)]


def trials():
    """What is tried, how it ended and what fell short, one after another."""
    for name in commands:
        counts.write_text('')
        done = once(name, '')
        reference = {'files': content(), 'printed': printed(done.stdout)}
        calls = [line.split() for line in counts.read_text().splitlines()]
        yield name, '', done, [] if done.returncode == 0 and calls else ['does not work at all']
        for call, n in calls:
            for at in moments(int(n)):
                for mode in ('', ':once'):
                    plan = f'{call}:{at}:{ERRORS.get(call, "ENOSPC")}{mode}'
                    done = once(name, plan)
                    yield name, plan, done, list(wrong(name, call, done, reference))


tried = short = 0
for name, plan, done, said in trials():
    tried += plan != ''
    for what in said:
        short += 1
        print(f'FAILED: {name}: INJECT={plan}: {what} (status {done.returncode})\n{done.stderr[:200].decode(errors="replace")}')
shutil.rmtree(work)
print(f'{tried} failures tried, {short} fell short')
sys.exit(tried == 0 or short > 0)
