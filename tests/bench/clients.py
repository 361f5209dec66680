#!/usr/bin/env python3
"""Many clients of `moesim serve` at once for a while: no error, answers equal to the command line's, memory that does not grow.

usage: clients.py MOESIM [CLIENTS [SECONDS]]     32 clients for 60 s; exit status 1 where one of these does not hold
"""
import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time

GROWTH = 0.10  # of the memory after the first quarter of the time, without the answers that are kept up to their limit
RUNS = ["mixtral-8x7b", "mai-base-1/v5", "deepseek-v3", "llama3-405b"]
CHANGES = [{}, {"cluster.network.nic": "800 Gbit/s"}, {"cluster.network.nic": "200 Gbit/s"}, {"memory.headroom": "4 GB"}, {"recompute.mode": "full"}]


def without_time(text):
    """The answer less the one number that is this machine's."""
    answer = json.loads(text)
    answer.pop("wall_time_s", None)
    return answer


def expect(program, question):
    """What the command line answers."""
    words = [program, "run", f"models/{question['run']}.yaml", "--seed", str(question["seed"]), "--format", "json"]
    for key, value in question["set"].items():
        words += ["--set", f"{key}={value}"]
    return without_time(subprocess.run(words, capture_output=True, check=True, text=True).stdout)


def resident(pid):
    """Memory of a process, bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def kept(port):
    """Bytes of answers that the server keeps."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", "/api")
    size = json.loads(connection.getresponse().read())["kept_bytes"]
    connection.close()
    return size


class Crowd:
    """Clients that ask questions drawn at random until the end."""

    def __init__(self, port, known, end):
        self.port, self.known, self.end = port, known, end
        self.answered, self.faults, self.lock = 0, [], threading.Lock()

    def ask(self, connection, question):
        """One question; what is wrong with its answer, or None."""
        connection.request("POST", "/api/predict", json.dumps(question), {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            return f"status {response.status}: {text[:200]!r}"
        key = json.dumps({**question, "seed": question["seed"]}, sort_keys=True)
        return None if key not in self.known or without_time(text) == self.known[key] else f"another answer to {key}"

    def client(self, number):
        """Asks what is known, and between what nobody asked before, so that the cache does not answer all."""
        draw = random.Random(number)
        known = [json.loads(key) for key in self.known]
        while time.monotonic() < self.end:
            question = draw.choice(known) if draw.random() < 0.7 else {**draw.choice(known), "seed": draw.randrange(1000, 10**9)}
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
                fault = self.ask(connection, question)
                connection.close()
            except OSError as error:
                fault = repr(error)
            with self.lock:
                self.answered += 1
                if fault:
                    self.faults.append(fault)


def watch(pid, port, begin, end):
    """Memory a quarter of the time after the beginning, and the most of the last quarter, each with what is kept of it."""
    early, late = (0, 0), (0, 0)
    while time.monotonic() < end:
        time.sleep(0.25)
        now, size = time.monotonic(), (resident(pid), kept(port))
        if now < begin + (end - begin) / 4:
            early = max(early, size)
        elif now > end - (end - begin) / 4:
            late = max(late, size)
    return early, late


def main():
    program = sys.argv[1]
    clients = int(sys.argv[2]) if len(sys.argv) > 2 else 32
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 60
    questions = [{"run": run, "set": change, "seed": seed} for run in RUNS for change in CHANGES for seed in (0, 1)]
    known = {json.dumps(question, sort_keys=True): expect(program, question) for question in questions}
    with subprocess.Popen([program, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline().rstrip("/\n ").rsplit(":", 1)[1].split("/")[0])
        begin = time.monotonic()
        crowd = Crowd(port, known, begin + seconds)
        threads = [threading.Thread(target=crowd.client, args=(n,)) for n in range(clients)]
        for thread in threads:
            thread.start()
        early, late = watch(server.pid, port, begin, crowd.end)
        for thread in threads:
            thread.join()
        server.terminate()
    growth = (late[0] - late[1]) / (early[0] - early[1]) - 1
    print(f"{clients} clients, {seconds:g} s: {crowd.answered} answers, {len(crowd.faults)} faults; "
          f"memory {early[0] / 1e6:.1f} MB, then {late[0] / 1e6:.1f} MB, of which {early[1] / 1e6:.1f} and {late[1] / 1e6:.1f} are answers kept; "
          f"without them {100 * growth:+.1f} %")
    for fault in crowd.faults[:5]:
        print(fault)
    return int(bool(crowd.faults) or growth > GROWTH or server.returncode != -signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
