#!/usr/bin/env python3
"""`moesim serve` from outside: the answers are the command line's, files outside the data folder stay unread, many clients at once
are answered in bounded memory, a signal ends it.

serve.py MOESIM [SECONDS with 32 clients, default 3]
"""
import http.client, json, os, random, signal, subprocess, sys, tempfile, threading, time

moesim, seconds = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 3
data = os.environ['MOESIM_DATA']
failures = 0


def check(what, good, more=''):
    global failures
    if not good:
        failures += 1
        print(f'FAILED: {what} {more}'[:2000])


class Server:
    def __init__(self, *arguments):
        # Under nohup SIGHUP is ignored, and a program that finds it ignored leaves it so.
        # What AddressSanitizer keeps of freed memory, in all and per thread, would count as growth
        quarantine = os.environ.get('ASAN_OPTIONS', '') + ':quarantine_size_mb=0:thread_local_quarantine_size_kb=0'
        self.process = subprocess.Popen([moesim, 'serve', '--port', '0', *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, 'ASAN_OPTIONS': quarantine},
                                        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
        self.url = self.process.stdout.readline().strip()
        self.port = int(self.url.split(':')[2].split('/')[0])

    def ask(self, door, question, connection=None, **headers):
        connection = connection or http.client.HTTPConnection('127.0.0.1', self.port, timeout=300)
        body = question if isinstance(question, (str, bytes)) else json.dumps(question)
        connection.request('POST', f'/api/{door}', body, {'Content-Type': 'application/json', **headers})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def memory_kb(self):
        with open(f'/proc/{self.process.pid}/status') as status:
            return next(int(line.split()[1]) for line in status if line.startswith('VmRSS'))

    def stop(self, number=signal.SIGTERM):
        began = time.monotonic()
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said, time.monotonic() - began


def without_wall(text):
    return '\n'.join(line for line in text.split('\n') if 'wall_time_s' not in line)


def command(*arguments):
    return without_wall(subprocess.run([moesim, *arguments], capture_output=True, text=True, check=True).stdout)


RUNS = [('mai-base-1/v5', {}), ('mai-base-1/v5', {'parallelism.expert': 32}), ('mixtral-8x7b', {}), ('llama3-70b', {'training.micro_batch': 1}),
        ('mai-base-1/v2', {'parallelism.zero': 1})]


def expected(run, changes):
    sets = [word for key, value in changes.items() for word in ('--set', f'{key}={value}')]
    return command('run', f'{data}/models/{run}.yaml', *sets, '--format', 'json')


def test_answers(server):
    for run, changes in RUNS:
        status, text = server.ask('predict', {'run': run, 'set': changes})
        check(f'{run} {changes}: {status}', status == 200 and without_wall(text) == expected(run, changes), text)
    status, text = server.ask('predict', {'run': 'mai-base-1/v5', 'set': {'parallelism.expert': 7}})
    check('an illegal layout is refused', status == 422 and 'expected' in json.loads(text)['error']['message'], text)


def test_files(server):
    """Nothing outside the data folder is read, and nobody learns what is there."""
    secret = os.path.join(work, 'secret.yaml')
    with open(secret, 'w') as out:
        out.write('token: hunter2\n')
    up = os.path.relpath(secret, os.path.join(data, 'models'))
    questions = [{'run': secret}, {'run': up}, {'run': f'models/{up}'}, {'run': {'text': f'extends: {secret}\n'}}, {'run': {'extends': secret}},
                 {'run': 'mai-base-1/v5', 'cluster': secret}, {'run': 'mai-base-1/v5', 'stack': secret}, {'run': 'mai-base-1/v5', 'set': {'cluster': secret}},
                 {'run': 'mai-base-1/v5', 'set': {'cluster.accelerator': secret}}, {'run': 'mai-base-1/v5', 'set': {'cluster.network.collectives': secret}},
                 {'run': 'mai-base-1/v5', 'set': {'training.routing.balance': {'file': secret}}}, {'run': '/etc/passwd'}, {'run': {'text': 'extends: /etc/passwd'}}]
    for question in questions:
        for door in ('predict', 'check', 'show'):
            status, text = server.ask(door, question)
            told = 'hunter2' in text or 'root:' in text
            good = status == 422 or door == 'check' and '"legal" : false' in text
            check(f'{door} {question}: {status}', good and not told, text)
    os.symlink(secret, os.path.join(work, 'link.yaml'))
    there = server.ask('predict', {'run': {'text': f'extends: {secret}\n'}})[1]
    absent = server.ask('predict', {'run': {'text': f'extends: {secret[:-5]}-no.yaml\n'}})[1]
    check('what is there and what is not are told apart', there.replace('secret.yaml', '') == absent.replace('secret-no.yaml', ''), there + absent)


def test_malformed(server):
    random.seed(7)
    whole = json.dumps({'run': 'mai-base-1/v5', 'set': {'parallelism.expert': 32}, 'try': {'parallelism.zero': [1, 2]}})
    for i in range(300):
        broken = bytearray(whole.encode())
        for _ in range(random.randint(1, 4)):
            broken[random.randrange(len(broken))] = random.choice(b'{}[]",:\\\x00\xff0e-truenl')
        status, text = server.ask(random.choice(['predict', 'check', 'list']), bytes(broken))
        check(f'{bytes(broken)}: {status}', status in (200, 400, 422), text)
    for body in ('', '[]', 'null', '1', '"x"', '{', '[' * 100000, '{"run":' * 100000, '{"run": "mai-base-1/v5", "run": 3}'):
        status, text = server.ask('predict', body)
        check(f'{body[:40]}: {status}', status in (400, 422), text)


WORK_KB = 8 << 10  # runs that are simulated at the moment hold some MB each, now more of them and now fewer


def test_clients(server):
    """32 at once, of few questions and of many: no error, the same answers, no growth."""
    right = [expected(run, changes) for run, changes in RUNS[:3]]
    lock, counts = threading.Lock(), {'answers': 0, 'bad': []}

    def client(n, end):
        connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=300)
        i = n
        while time.monotonic() < end:
            run, changes = RUNS[i % 3]
            name = f'{n}-{i}' if i % 8 == 0 else f'{n % 4}' # some are asked once only: they are simulated, not remembered
            status, text = server.ask('predict', {'run': run, 'set': changes, 'seed': 0, 'steps': 1, 'name': name}, connection)
            with lock:
                counts['answers'] += 1
                if status != 200 or without_wall(text) != right[i % 3]:
                    counts['bad'].append((status, text[:200]))
            i += 1

    def together(length):
        """Median of the memory in the second half, kB."""
        end = time.monotonic() + length
        threads = [threading.Thread(target=client, args=(n, end)) for n in range(32)]
        seen = []
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            seen.append(server.memory_kb())
            time.sleep(length / 100)
        for thread in threads:
            thread.join()
        half = sorted(seen[len(seen) // 2:])
        return half[len(half) // 2]

    before = together(seconds)
    kept = counts['answers']
    after = together(seconds)
    kept_kb = (counts['answers'] - kept) / 8 * 4.5  # an answer that was asked once is kept, too, up to 32 MiB
    check(f'{len(counts["bad"])} of {counts["answers"]} answers are wrong', not counts['bad'], counts['bad'][:3])
    check(f'memory grew from {before} to {after} kB, {kept_kb:.0f} of them kept answers', after <= before * 1.1 + kept_kb + WORK_KB)
    print(f'{counts["answers"]} answers to 32 clients, {before} -> {after} kB, {kept_kb:.0f} kB of them kept answers')


IDLE_TICKS = 10  # of a hundredth, in a second: a server that waits
LONGEST_END_S = 60  # the search that is cancelled would take several minutes


def test_cancel(server):
    """Who leaves stops the work: a search of minutes ends with the simulations that are under way, however slow."""
    connection = http.client.HTTPConnection('127.0.0.1', server.port)
    connection.request('POST', '/api/search', json.dumps({'run': 'deepseek-v3', 'space': 'all'}), {'Content-Type': 'application/json'})
    time.sleep(1)
    connection.close()

    def used():
        with open(f'/proc/{server.process.pid}/stat') as stat:
            fields = stat.read().rsplit(')')[1].split()
        return int(fields[11]) + int(fields[12])

    worked, waited = IDLE_TICKS + 1, 0
    while worked > IDLE_TICKS and waited < LONGEST_END_S:
        before = used()
        time.sleep(1)
        worked, waited = used() - before, waited + 1
    check(f'{worked} ticks of work for nobody, {waited} s after who asked had left', worked <= IDLE_TICKS)


def test_stop():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        server = Server()
        connection = http.client.HTTPConnection('127.0.0.1', server.port)
        connection.request('POST', '/api/search', json.dumps({'run': 'deepseek-v3', 'space': 'all'}), {'Content-Type': 'application/json'})
        time.sleep(0.5)
        status, said, took = server.stop(number)
        check(f'{signal.Signals(number).name}: status {status}, {took:.1f} s', status == -number and took < 10, said)
        check('one line says so', said.count('\n') == 1 and 'interrupted' in said, said)


def test_options():
    for arguments, wanted in [(('--listen', '0.0.0.0'), 'expected a token'), (('--listen', '0.0.0.0', '--token', 'short'), 'expected a token'),
                              (('--listen', 'example.org', '--token', 'x' * 16), 'expected one in digits'), (('--port', '70000'), '--port'),
                              (('--save', '/nonexistent'), 'no folder')]:
        done = subprocess.run([moesim, 'serve', *arguments], capture_output=True, text=True, timeout=60)
        check(f'{arguments}: {done.returncode}', done.returncode == 2 and wanted in done.stderr, done.stderr)


def test_save():
    server = Server('--save', work)
    token = server.url.split('#token=')[1]
    note = {'name': 'kept.yaml', 'text': 'a: 1\n'}
    check('saving wants the token', server.ask('save', note)[0] == 401)
    check('asking wants the token', server.ask('predict', {'run': 'mai-base-1/v5'})[0] == 401)
    check('saved', server.ask('save', note, Authorization=f'Bearer {token}')[0] == 200)
    check('saved once', server.ask('save', note, Authorization=f'Bearer {token}')[0] == 409)
    check('nowhere else', server.ask('save', {'name': '../out.yaml', 'text': ''}, Authorization=f'Bearer {token}')[0] == 400)
    check('whole', open(os.path.join(work, 'kept.yaml')).read() == 'a: 1\n')
    server.stop()


with tempfile.TemporaryDirectory() as work:
    server = Server()
    test_answers(server)
    test_files(server)
    test_malformed(server)
    test_clients(server)
    test_cancel(server)
    server.stop()
    test_stop()
    test_options()
    test_save()
print(f'{failures} failures')
sys.exit(failures > 0)
