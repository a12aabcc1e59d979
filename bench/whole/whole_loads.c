#include "bench/whole/whole_loads.h"

#include <stdint.h>

#define SHOP_MACHINES 3

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned under(uint64_t *state, unsigned n)
{
	return (unsigned)(next_random(state) % n);
}

/* At least 1. */
static unsigned scaled(unsigned n, unsigned percent)
{
	unsigned long long m = (unsigned long long)n * percent / 100;

	return m ? (unsigned)m : 1;
}

static void letters(FILE *out, uint64_t *state, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fputc("etaoin shrdlu cmfwyp"[under(state, 20)], out);
}

/* Rows as text: each statement is parsed, prepared and run by itself. */
static void sql_rows(FILE *out, uint64_t *state, unsigned rows)
{
	fputs("begin;\n", out);
	for (unsigned i = 1; i <= rows; i++) {
		fprintf(out, "insert into people values(%u, 'name %u", i, under(state, rows));
		letters(out, state, under(state, 30));
		fprintf(out, "', '%x@%u.example', %u.%u, '", i * 40503u, i % 97, under(state, 1000),
			under(state, 100));
		letters(out, state, under(state, 200));
		fputs("');\n", out);
		fprintf(out, "insert into orders values(null, %u, 'item %u', %u);\n",
			1 + under(state, rows), under(state, 1000), under(state, 17));
	}
	fputs("commit;\n", out);
}

static const char sql_tables[] =
	".bail on\n"
	"pragma cache_size = -100000;\n"
	"pragma temp_store = memory;\n"
	"create table people(id integer primary key, name text, mail text unique, score real,\n"
	"  note text);\n"
	"create table orders(id integer primary key, person integer, item text, amount integer);\n";

static const char sql_work[] =
	"create index people_name on people(name, score);\n"
	"create index orders_person on orders(person, item);\n"
	"analyze;\n"
	"select count(*), sum(amount), max(item) from orders join people on person = people.id\n"
	"  where score < 500;\n"
	"select item, count(*), sum(amount) from orders join people on person = people.id\n"
	"  group by item order by 2 desc, 3, 1 limit 20;\n"
	"select count(*) from (select distinct a.name from people a join people b\n"
	"  on a.name = b.name);\n"
	"select sum(r) from (select rank() over (partition by id % 10 order by score, id) r\n"
	"  from people);\n"
	"select length(group_concat(name || mail)), length(group_concat(hex(note))) from people\n"
	"  where id % 3 = 0;\n"
	"select count(*), sum(json_extract(j, '$.n[1]')) from (select json_object('id', id, 'n',\n"
	"  json_array(id, id % 19), 'text', name) j from people where id % 2 = 0);\n"
	"create table blobs(id integer primary key, data blob);\n"
	"insert into blobs with recursive n(i) as (select 1 union all select i + 1 from n\n"
	"  where i < 30) select i, zeroblob(i * 17000) from n;\n"
	"update blobs set data = cast(replace(hex(data), '00', printf('%02d', id)) as blob);\n"
	"select count(*), sum(length(data)), hex(substr(data, 100, 8)) from blobs;\n"
	"begin;\n"
	"update people set name = name || ' and more' where id % 3 = 1;\n"
	"savepoint here;\n"
	"delete from people where id % 2 = 0;\n"
	"rollback to here;\n"
	"delete from orders where person % 5 = 2;\n"
	"commit;\n"
	"delete from people where id % 4 = 1;\n"
	"reindex;\n"
	"pragma integrity_check;\n"
	"select count(*), sum(id), sum(length(mail)), sum(length(note)) from people;\n"
	"select id, name, note from people where id % 100 = 2 order by note, id;\n";

void load_sql(FILE *out, unsigned percent)
{
	uint64_t state = 1;

	fputs(sql_tables, out);
	sql_rows(out, &state, scaled(16000, percent));
	fputs(sql_work, out);
}

static void c_statement(FILE *out, uint64_t *state, unsigned f)
{
	unsigned a = under(state, 4), b = under(state, 4), k = 1 + under(state, 1000);

	switch (under(state, 6)) {
	case 0:
		fprintf(out, "\tfor (unsigned i = 0; i < n %% %uu; i++)\n", 8 + k % 64);
		fprintf(out, "\t\tv[%u] += table_%u[i & 15] * v[%u] + i;\n", a, f, b);
		break;
	case 1:
		fprintf(out, "\tif (v[%u] %% %uu > %uu)\n\t\tv[%u] ^= v[%u] << %u;\n", a, k + 1,
			k / 2, b, a, k % 31);
		fprintf(out, "\telse\n\t\tv[%u] -= %uu;\n", b, k);
		break;
	case 2:
		fprintf(out, "\tswitch (v[%u] %% 5) {\n", a);
		for (unsigned i = 0; i < 4; i++)
			fprintf(out, "\tcase %u:\n\t\tv[%u] += %uu;\n\t\tbreak;\n", i, (b + i) % 4,
				k * (i + 1));
		fprintf(out, "\tdefault:\n\t\tv[%u] ^= %uu;\n\t}\n", a, k);
		break;
	case 3:
		if (f)
			fprintf(out, "\tv[%u] += work_%u(s, v[%u] %% 7 + d, d + 1);\n", a,
				under(state, f), b);
		break;
	case 4:
		fprintf(out, "\ts->words[v[%u] & 63] = (unsigned)(s->scale * %u.5 + v[%u]);\n", a,
			k, b);
		fprintf(out, "\ts->scale = s->scale * 0.5 + (double)s->words[%u];\n", k % 64);
		break;
	default:
		fprintf(out, "\twhile (v[%u] > %uu)\n\t\tv[%u] = v[%u] / 3 + (v[%u] & 1);\n", a,
			k * 1000, a, a, b);
	}
}

void load_c(FILE *out, unsigned percent)
{
	unsigned functions = scaled(45, percent);
	uint64_t state = 2;

	fputs("struct state {\n\tunsigned words[64];\n\tdouble scale;\n};\n\n", out);
	for (unsigned f = 0; f < functions; f++) {
		fprintf(out, "static const unsigned table_%u[16] = {", f);
		for (unsigned i = 0; i < 16; i++)
			fprintf(out, "%s%uu", i ? ", " : "", under(&state, 100000));
		fprintf(out, "};\n\nunsigned work_%u(struct state *s, unsigned n, unsigned d)\n{\n",
			f);
		fputs("\tunsigned v[4] = {n, n + 1, s->words[n & 63], d};\n\n"
		      "\tif (d > 20)\n\t\treturn n;\n",
		      out);
		for (unsigned i = 3 + under(&state, 14); i; i--)
			c_statement(out, &state, f);
		fputs("\treturn v[0] ^ v[1] ^ v[2] ^ v[3];\n}\n\n", out);
	}
}

/* A time after another one: start of `later` at least `by` after that of `job`, on one machine. */
static void smt_after(FILE *out, unsigned later, unsigned job, unsigned machine, unsigned by)
{
	fprintf(out, "(>= t%u_%u (+ t%u_%u %u))", later, machine, job, machine, by);
}

/* A shop: every job goes over all machines in order, one job at a time on each. */
static void smt_shop(FILE *out, uint64_t *state, unsigned jobs)
{
	unsigned took[64][SHOP_MACHINES];

	for (unsigned i = 0; i < jobs; i++) {
		for (unsigned m = 0; m < SHOP_MACHINES; m++) {
			took[i][m] = 1 + under(state, 9);
			fprintf(out, "(declare-const t%u_%u Int)\n(assert (>= t%u_%u %s", i, m, i,
				m, m ? "" : "0))\n");
			if (m)
				fprintf(out, "(+ t%u_%u %u)))\n", i, m - 1, took[i][m - 1]);
		}
		fprintf(out, "(assert (>= end (+ t%u_%u %u)))\n", i, SHOP_MACHINES - 1,
			took[i][SHOP_MACHINES - 1]);
	}
	for (unsigned i = 0; i < jobs; i++) {
		for (unsigned k = 0; k < i * SHOP_MACHINES; k++) {
			unsigned m = k % SHOP_MACHINES, other = k / SHOP_MACHINES;

			fputs("(assert (or ", out);
			smt_after(out, i, other, m, took[other][m]);
			smt_after(out, other, i, m, took[i][m]);
			fputs("))\n", out);
		}
	}
}

/* Clauses of three near the number where they stop to have an answer. */
static void smt_clauses(FILE *out, uint64_t *state, unsigned variables)
{
	for (unsigned i = 0; i < variables; i++)
		fprintf(out, "(declare-const p%u Bool)\n", i);
	for (unsigned i = 0; i < variables * 43 / 10; i++) {
		fputs("(assert (or", out);
		for (unsigned k = 0; k < 3; k++)
			fprintf(out, under(state, 2) ? " p%u" : " (not p%u)",
				under(state, variables));
		fputs("))\n", out);
	}
}

void load_smt(FILE *out, unsigned percent)
{
	unsigned jobs = scaled(9, percent);
	uint64_t state = 3;

	fputs("(declare-const end Int)\n(push)\n", out);
	smt_shop(out, &state, jobs < 64 ? jobs : 64);
	for (unsigned end = 90; end >= 60; end -= 10)
		fprintf(out, "(push)\n(assert (<= end %u))\n(check-sat)\n(pop)\n", end);
	fputs("(pop)\n", out);
	for (unsigned n = scaled(6, percent); n; n--) {
		fputs("(push)\n", out);
		smt_clauses(out, &state, 150);
		fputs("(check-sat)\n(pop)\n(push)\n", out);
		fprintf(out,
			"(declare-const a (_ BitVec 32))\n(declare-const b (_ BitVec 32))\n"
			"(assert (= (bvmul a b) #x%08x))\n(assert (bvult a #x00000400))\n"
			"(assert (bvult #x00000001 a))\n(assert (bvult b #x00010000))\n"
			"(check-sat)\n(pop)\n",
			(2 * under(&state, 500) + 3) * (2 * under(&state, 9000) + 3));
	}
}

static void ps_page(FILE *out, uint64_t *state)
{
	static const char *const fonts[] = {"Times-Roman", "Helvetica-Bold", "Courier",
					    "Palatino-Italic"};

	for (unsigned i = 0; i < 40; i++) {
		fprintf(out, "/%s findfont %u scalefont setfont\n", fonts[under(state, 4)],
			6 + under(state, 14));
		fprintf(out, "%u %u moveto (", under(state, 200), under(state, 780));
		letters(out, state, 20 + under(state, 60));
		fputs(") show\n", out);
	}
	for (unsigned i = 0; i < 60; i++) {
		fprintf(out, "0.%u 0.%u 0.%u setrgbcolor newpath %u %u moveto\n", under(state, 10),
			under(state, 10), under(state, 10), under(state, 600), under(state, 800));
		for (unsigned k = 0; k < 6; k++)
			fprintf(out, "%u %u %u %u %u %u curveto\n", under(state, 600),
				under(state, 800), under(state, 600), under(state, 800),
				under(state, 600), under(state, 800));
		fputs(i % 3 ? "stroke\n" : "closepath eofill\n", out);
	}
}

void load_postscript(FILE *out, unsigned percent)
{
	uint64_t state = 4;
	unsigned pages = scaled(14, percent);

	fputs("%!PS-Adobe-3.0\n", out);
	for (unsigned i = 0; i < pages; i++) {
		ps_page(out, &state);
		/* Objects of the interpreter's own: dictionaries, arrays and strings. */
		fputs("1 1 4000 { dup 32 string cvs cvn exch 50 mod array def } for\n"
		      "0 1 300 { /s exch 20 mul 1 add string def s 0 65 put } for\n"
		      "<< /ShadingType 2 /ColorSpace /DeviceRGB /Coords [0 0 600 800]\n"
		      "/Function << /FunctionType 2 /Domain [0 1] /C0 [1 0 0] /C1 [0 0 1] /N 1 >>\n"
		      ">> gsave 100 100 200 200 rectclip shfill grestore showpage\n",
		      out);
	}
}
