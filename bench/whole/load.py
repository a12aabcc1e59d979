# A load for the interpreter: SCALE (percent) is set by the line before this one.
# Prints sums alone: nothing that hangs on addresses, hash seeds or the clock.
import hashlib
import json
import re


def scaled(n):
    return max(1, n * SCALE // 100)


def generator(seed):
    x = seed
    while True:
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
        yield x >> 8


class Record:
    def __init__(self, number, name, tags):
        self.number, self.name, self.tags = number, name, tags


def store(rnd):
    """Records that are replaced at random: old ones die among young ones."""
    slots, total = [None] * 5000, 0
    for number in range(scaled(100000)):
        at = next(rnd) % len(slots)
        if slots[at]:
            total += slots[at].number + len(slots[at].name) + len(slots[at].tags)
        slots[at] = Record(number, "n" * (next(rnd) % 300), [number, str(number)])
    return total


def documents(rnd):
    """JSON, there and back."""
    texts = [json.dumps({"id": n, "list": [next(rnd) % 1000 for _ in range(20)],
                         "text": "x" * (next(rnd) % 500), "deep": {"a": [n, {"b": str(n)}]}})
             for n in range(scaled(4000))]
    total = sum(sum(json.loads(text)["list"]) for text in texts)
    return total, hashlib.sha256("".join(texts).encode()).hexdigest()


def words(rnd):
    text = " ".join("%x-%d" % (next(rnd) % 4096, next(rnd) % 100) for _ in range(scaled(40000)))
    seen = {}
    for word in re.findall(r"\S+", text):
        seen[word] = seen.get(word, 0) + 1
    longest = max(sorted(seen), key=len)
    return len(text), len(seen), max(seen.values()), longest


def numbers():
    """Integers beyond machine words, and lists of them."""
    a, b = 0, 1
    for _ in range(scaled(10000)):
        a, b = b, a + b
    squares = sorted((n * n * 7919) % 1000003 for n in range(scaled(100000)))
    return len(str(a % 10**4000)), sum(squares[::7])


def main():
    rnd = generator(7)
    print("store", store(rnd))
    print("documents", *documents(rnd))
    print("words", *words(rnd))
    print("numbers", *numbers())


main()
