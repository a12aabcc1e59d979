#!/usr/bin/env python3
"""A Redis server and its benchmark on guard: redis_test.py LIBGUARD WITNESS [--full]

Data is stored and read back, expires, is saved and loaded again; then redis-benchmark puts its own
beside it. All of that gone, the server has to have the memory back that it had in the beginning.
The same on libc tells what the data has to look like, and what the memory would have been.
"""

import hashlib
import os
import random
import re
import shutil
import socket
import subprocess
import time

import programs
from programs import MIB, check, equal

# Debian's redis-tools has the server too: one file, which becomes what it is called.
SERVER = "redis-check-rdb"
BENCHMARK = "redis-benchmark"
SETTINGS = """
port 0
unixsocket {socket}
dir {work}
save ""
appendonly no
hz 100
enable-debug-command yes
notify-keyspace-events Ex
jemalloc-bg-thread no
latency-tracking no
slowlog-max-len 0
maxmemory 0
"""
# What may be mapped and resident at the end beside what was there at the beginning: server and
# clients keep some buffers and tables, which pin slabs of 1 MiB with two maps each.
LEFT = programs.Accounts(maps=16, mapped_bytes=8 * MIB, resident_bytes=4 * MIB)
DEADLINE_S = 60


class Client:
    """A connection that speaks RESP2."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10 * DEADLINE_S)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, *words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        parts = [b"*%d\r\n" % len(words)] + [b"$%d\r\n%b\r\n" % (len(w), w) for w in words]
        self.socket.sendall(b"".join(parts))

    def reply(self):
        line = self.file.readline()
        check(line.endswith(b"\r\n"), "the server hung up")
        kind, rest = line[:1], line[1:-2]
        check(kind != b"-", "the server says", rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return rest

    def call(self, *words):
        self.send(*words)
        return self.reply()

    def calls(self, commands, at_once=64):
        """Pipelined, so few at once that neither side waits for the other to read."""
        for first in range(0, len(commands), at_once):
            batch = commands[first:first + at_once]
            for command in batch:
                self.send(*command)
            for _ in batch:
                self.reply()

    def info(self, section):
        lines = self.call("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


def until(what, holds):
    """The server does some things in its own time and tells nobody."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        check(time.monotonic() < deadline, "never:", what)
        time.sleep(0.01)


class Server:
    def __init__(self, stage):
        self.stage = stage
        self.socket = os.path.join(stage.work, "redis.sock")
        settings = os.path.join(stage.work, "redis.conf")
        with open(settings, "w", encoding="ascii") as file:
            file.write(SETTINGS.format(socket=self.socket, work=stage.work))
        server = os.path.join(stage.work, "redis-server")
        os.symlink(shutil.which(SERVER), server)
        # It goes with this process, however that ends.
        self.process = stage.start(["setpriv", "--pdeathsig", "KILL", server, settings],
                                   stderr=subprocess.STDOUT)
        self.said = ""
        while "eady to accept connections" not in self.said:
            line = self.process.stdout.readline()
            check(line, "the server ended:", self.said)
            self.said += line
        self.client = Client(self.socket)

    def accounts(self):
        return programs.accounts_of(self.process.pid)

    def check_library(self):
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8") as maps:
            check(os.path.basename(self.stage.library) in maps.read(),
                  self.stage.library, "is not mapped")

    def stop(self):
        """The processor seconds that it took."""
        self.client.send("SHUTDOWN", "NOSAVE")
        self.said += self.process.stdout.read()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.client.close()
        equal("exit code of the server", self.process.returncode, 0)
        return usage.ru_utime + usage.ru_stime

    def kill(self):
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Load:
    """The same data each time, of the given size: 1 is some 100 MiB."""

    def __init__(self, client, scale):
        self.client, self.scale = client, scale
        self.random = random.Random(1)
        self.sums = {}

    def value(self, size):
        return self.random.randbytes((size + 1) // 2).hex()[:size].encode()

    def strings(self):
        """Sizes spread over the powers of two up to 64 KiB, and some of 1 MiB."""
        sizes = [int(2 ** self.random.uniform(0, 16)) for _ in range(3000 * self.scale)]
        sizes += [MIB - self.random.randrange(4096) for _ in range(40 * self.scale)]
        commands = []
        for n, size in enumerate(sizes):
            value = self.value(size)
            self.sums[f"string:{n}"] = hashlib.sha256(value).digest()
            commands.append(("SET", f"string:{n}", value))
        self.client.calls(commands)

    def growth(self):
        """Strings that grow by realloc, in turns."""
        for _ in range(40):
            self.client.calls([("APPEND", f"grown:{n}", self.value(self.random.randrange(5000)))
                               for n in range(20 * self.scale)])

    def containers(self):
        pick = self.random.randrange
        commands = []
        for n in range(8000 * self.scale):
            size = 4 + pick(200)
            commands.append(("LPUSH", f"list:{n % 7}", self.value(size)))
            commands.append(("ZADD", f"sorted:{n % 11}", pick(1000000), self.value(12)))
            commands.append(("HSET", f"hash:{n % 13}", f"field:{pick(5000)}", self.value(size)))
            commands.append(("SADD", f"set:{n % 17}", pick(100000)))
        self.client.calls(commands, at_once=500)

    def scripts(self):
        text = "local t = {} for i = 1, %d do t[i] = string.rep(i, i %% 50) end return #table.concat(t)"
        count = 20000 * self.scale
        equal("length of a script's string", self.client.call("EVAL", text % count, 0),
              sum(len(str(i)) * (i % 50) for i in range(1, count + 1)))

    def read_back(self):
        """Values by their sums; what lists and sorted sets have is in the digest of it all."""
        wrong = [key for key, digest in self.sums.items()
                 if hashlib.sha256(self.client.call("GET", key)).digest() != digest]
        equal("strings that came back changed", wrong, [])
        for n in range(7):
            whole = self.client.call("LRANGE", f"list:{n}", 0, -1)
            equal("elements of a list", len(whole), self.client.call("LLEN", f"list:{n}"))

    def expiry(self, path):
        """Keys that nobody asks for again: the server finds them itself, and tells a subscriber."""
        listener, count = Client(path), 5000 * self.scale
        listener.call("SUBSCRIBE", "__keyevent@0__:expired")
        before = self.client.call("DBSIZE")
        self.client.calls([("SET", f"mortal:{n}", self.value(self.random.randrange(2000)),
                            "PX", 1 + n % 500) for n in range(count)])
        gone = {listener.reply()[2] for _ in range(count)}
        equal("keys that expired", gone, {b"mortal:%d" % n for n in range(count)})
        equal("keys that did not", self.client.call("DBSIZE"), before)
        listener.close()

    def save(self):
        """A child of the server writes it all to a file; then the server reads a file of its own."""
        digest = self.client.call("DEBUG", "DIGEST")
        self.client.call("BGSAVE")
        until("the end of BGSAVE",
              lambda: self.client.info("persistence")["rdb_bgsave_in_progress"] == "0")
        equal("end of the saving child", self.client.info("persistence")["rdb_last_bgsave_status"], "ok")
        self.client.call("DEBUG", "RELOAD")
        equal("digest after a reload", self.client.call("DEBUG", "DIGEST"), digest)
        return digest

    def run(self, path):
        self.strings()
        self.growth()
        self.containers()
        self.scripts()
        self.expiry(path)
        self.read_back()
        return self.save()


# What redis-benchmark is to do: options, tests, requests, and the commands that these come to.
# To measure LRANGE it pushes as many elements first as it will ask for ranges.
BENCHMARKS = [
    (["-P", "16", "-r", "100000", "-d", "100"],
     "set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,mset", 8000,
     "set get incr lpush rpush lpop rpop sadd hset spop zadd zpopmin mset".split()),
    (["-r", "1000", "-d", "3"], "lpush,lrange", 2000, ["lpush", "lrange"]),
    (["-c", "8", "-r", "40", "-d", str(MIB)], "set,get", 120, ["set", "get"]),
]


def benchmark(server, options, tests, requests, commands):
    """It prints a line for each test, and the server has counted every request and no error."""
    server.client.call("CONFIG", "RESETSTAT")
    ran = server.stage.run([BENCHMARK, "-s", server.socket, "--csv", "-n", str(requests), *options,
                            "-t", tests])
    equal("exit code of the benchmark", (ran.exit_code, ran.err), (0, ""))
    lines = ran.out.splitlines()
    check(lines and all(re.fullmatch(r'("[^"]*",?)+', line) for line in lines), ran.out)
    rates = {line.split('"')[1]: float(line.split('"')[3]) for line in lines[1:]}
    check(len(rates) >= len(tests.split(",")) and all(rates.values()), "rates:", rates)
    stats = server.client.info("commandstats")
    for command in commands:
        fields = dict(f.split("=") for f in stats[f"cmdstat_{command}"].split(","))
        check(int(fields["calls"]) >= requests, command, "was called", fields["calls"], "times of", requests)
        equal(f"failures of {command}", (fields["rejected_calls"], fields["failed_calls"]), ("0", "0"))
    equal("errors of the server", server.client.info("errorstats"), {})


def delete_half(client):
    """By DEL, and by UNLINK, which has another thread free it."""
    cursor = b"0"
    while True:
        cursor, keys = client.call("SCAN", cursor, "COUNT", 1000)
        client.calls([("UNLINK" if n % 4 else "DEL", key) for n, key in enumerate(keys) if n % 2])
        if cursor == b"0":
            return


def settled(server, before):
    """What is left when the server has closed its clients and shrunk its buffers, in its own time."""
    deadline = time.monotonic() + 5
    while True:
        left = server.accounts() - before
        if left.within(LEFT) or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def work(server, scale, rounds):
    """The same again and again, from empty to empty: digest, most and least of what is mapped."""
    before = server.accounts()
    digests, peaks, left = [], [], []
    for _ in range(rounds):
        digests.append(Load(server.client, scale).run(server.socket))
        for options, tests, requests, commands in BENCHMARKS:
            benchmark(server, options, tests, requests * scale, commands)
        peaks.append(server.accounts() - before)
        delete_half(server.client)
        server.client.call("FLUSHALL", "SYNC")
        server.client.call("SCRIPT", "FLUSH", "SYNC")
        left.append(settled(server, before))
    equal("digests of all rounds", set(digests), {digests[0]})
    return digests[0], peaks, left


def serve(stage, scale, rounds):
    server, began = Server(stage), time.monotonic()
    try:
        server.check_library()
        digest, peaks, left = work(server, scale, rounds)
        seconds = time.monotonic() - began
        processor = server.stop()
        processes = stage.judge(server.said)
    finally:
        server.kill()
    return digest, peaks, left, programs.row(seconds, processor, peaks[-1], left[-1]), processes


def test(stages, arguments):
    for name in (SERVER, BENCHMARK):
        if not shutil.which(name):
            raise programs.Unsupported(f"{name} is not installed")
    scale, rounds = (4, 4) if arguments.full else (1, 2)
    results = {stage.name: serve(stage, scale, rounds) for stage in stages}
    programs.show("redis-server: more than at the start, at the peak and when all is deleted",
                  {name: result[3] for name, result in results.items()})
    digest, peaks, left, _, processes = results["guard"]
    print(f"guard served {processes} processes; left after each round: {left}")
    equal("digest of all data", digest, results["libc"][0])
    check(peaks[0].resident_bytes > 50 * MIB, "the load is too small to tell:", peaks)
    for n, rest in enumerate(left):
        check(rest.within(LEFT), f"round {n} left {rest}, allowed are {LEFT}")


if __name__ == "__main__":
    programs.main(test, __doc__)
