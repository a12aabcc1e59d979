#!/usr/bin/env python3
"""The SQLite shell on guard: sqlite_test.py LIBGUARD WITNESS [--full]

One script of SQL, on a database in memory and on one in a file: its output has to be the same as on
libc, and when the database in memory is closed, the process has back what it had in the beginning.
"""

import os
import shutil

import programs
from programs import MIB, check, equal

SHELL = "sqlite3"

# Reads its own accounts from within: the shell starts sh, whose parent it is.
ACCOUNTS = ".shell cat /proc/$PPID/smaps > {name}.smaps\n"

# {n} rows. Texts and blobs are computed from the row's number, so any two runs agree.
SCRIPT = """
.bail on
pragma cache_size = -{cache};
pragma temp_store = memory;
create table people(id integer primary key, name text, mail text unique, score real, note blob);
insert into people
  with recursive n(i) as (select 1 union all select i + 1 from n where i < {n})
  select i, printf('name %d', (i * 7919) % {n}), printf('%x@%d.example', i * 2654435761, i % 97),
         i * 0.37 % 1000, zeroblob(i % 300) from n;
create table orders(id integer primary key, person integer, item text, amount integer);
insert into orders
  select id * 2, (id * 31) % {n} + 1, printf('item %d', id % 1000), id % 17 from people;
create index people_name on people(name, score);
create index orders_person on orders(person, item);
create index orders_partial on orders(amount) where amount > 8;
analyze;
select count(*), sum(amount), max(item) from orders join people on person = people.id where score < 500;
select item, count(*), sum(score) from orders join people on person = people.id
  group by item order by 2 desc, 3, 1 limit 20;
select count(*) from (select distinct a.name from people a join people b on a.name = b.name);
select sum(r) from (select rank() over (partition by id % 10 order by score, id) r from people);
select length(group_concat(name || mail)), length(group_concat(hex(note))) from people where id % 3 = 0;

create table blobs(id integer primary key, data blob);
insert into blobs
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 60)
  select i, zeroblob(i * 17000) from n;
update blobs set data = cast(replace(hex(data), '00', printf('%02d', id)) as blob);
select count(*), sum(length(data)), hex(substr(data, 100, 8)) from blobs;
select sum(length(data || data)) from blobs;

create virtual table words using fts5(text);
insert into words select name || ' ' || printf('w%d w%d w%d', id % 101, id % 103, id % 107)
  from people where id % 4 = 0;
select count(*) from words where words match 'w5 AND w7';
insert into words(words) values ('optimize');
select count(*), sum(json_extract(j, '$.n[1]')) from
  (select json_object('id', id, 'n', json_array(id, id % 19), 'text', name) j from people where id % 5 = 0);

begin;
update people set name = name || ' and more', note = zeroblob(length(note) * 2) where id % 3 = 1;
savepoint here;
delete from people where id % 2 = 0;
rollback to here;
delete from orders where person % 5 = 2;
commit;
delete from people where id % 4 = 1;
select count(*), sum(length(name)), sum(length(note)) from people;
{peak}
vacuum;
reindex;
pragma integrity_check;
select count(*), sum(id), sum(length(mail)) from people;
.sha3sum
"""


def script(database, rows):
    return "".join([
        ACCOUNTS.format(name="before"),
        f".open {database}\n",
        SCRIPT.format(n=rows, cache=100000, peak=ACCOUNTS.format(name="peak")),
        ".open :memory:\n",
        ACCOUNTS.format(name="after")])


def accounts(stage, name):
    with open(os.path.join(stage.work, f"{name}.smaps"), encoding="utf-8") as file:
        return programs.accounts(file.read())


def work(stage, database, rows):
    """Its output, the peak, what is left, and a line for the table."""
    path = os.path.join(stage.work, "script.sql")
    with open(path, "w", encoding="ascii") as file:
        file.write(script(database, rows))
    ran = stage.run([SHELL, "-batch", "-init", os.devnull, "", f".read {path}"])
    equal(f"exit code and errors on {stage.name}", (ran.exit_code, ran.err), (0, ""))
    check(ran.out.count("\n") > 30 and "\nok\n" in ran.out, "not the output of this script:", ran.out)
    before = accounts(stage, "before")
    peak, left = accounts(stage, "peak") - before, accounts(stage, "after") - before
    processes = stage.judge(ran.out, ran.err)
    return ran.out, peak, left, programs.row(ran.seconds, ran.processor_seconds, peak, left), processes


# A connection that was never used holds less than one that had a database of many pages open.
LEFT = programs.Accounts(maps=4, mapped_bytes=2 * MIB, resident_bytes=MIB)


def test(stages, arguments):
    if not shutil.which(SHELL):
        raise programs.Unsupported(f"{SHELL} is not installed")
    rows = 500000 if arguments.full else 100000
    for database in (":memory:", "people.db"):
        results = {stage.name: work(stage, database, rows) for stage in stages}
        programs.show(f"sqlite3 {database}: more than at the start, before VACUUM and when it is closed",
                      {name: result[3] for name, result in results.items()})
        out, peak, left, _, processes = results["guard"]
        print(f"guard served {processes} processes")
        equal(f"output for {database}", out, results["libc"][0])
        check(peak.resident_bytes > 40 * MIB, "the load is too small to tell:", peak)
        check(left.within(LEFT), f"left {left}, allowed are {LEFT}")


if __name__ == "__main__":
    programs.main(test, __doc__)
