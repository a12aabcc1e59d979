"""Work for an interpreter: JSON, SQLite, threads and a child, with output that is always the same."""
import json
import os
import sqlite3
import threading

rows = [{"id": i, "text": "x" * (i % 500), "list": list(range(i % 17))} for i in range(5000)]
text = json.dumps(rows)
assert json.loads(text) == rows

db = sqlite3.connect(":memory:")
db.execute("create table t(id integer primary key, text text)")
db.executemany("insert into t values (?, ?)", ((r["id"], r["text"]) for r in rows))
print(db.execute("select count(*), sum(length(text)), max(text) from t").fetchone()[:2])

totals = [0] * 4


def build(n):
    for i in range(2000):
        totals[n] += len(str([n] * (i % 100)))


threads = [threading.Thread(target=build, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
pid = os.fork()
if pid == 0:
    os._exit(len(json.loads(text)) % 7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
for t in threads:
    t.join()
print(len(text), totals)
