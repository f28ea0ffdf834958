/* test_audit.c - a sheet of rejected answers, judged and read back: what the verdicts say, by hand and on average over draws; what spreadsheets do
 * to files; what is refused; damaged sheets; memory that fails. */
#include "../store/rows.h"
#include "base/alloc.h"
#include "base/stats.h"
#include "study/audit_sheet.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ken_err err;

/* ---- runs made by hand ------------------------------------------------------------------------------------------------- */

enum { PROMPTS = 10, SAMPLES = 4, N_FACTS = 40 };

typedef struct made_fact {
    const char *id, *question, *answer, *second, *belief;
    int hits;   /* greedy ones of PROMPTS */
    bool texts; /* are stored */
} made_fact;

static void put_fact(ken_store *s, size_t at, const made_fact *f, bool sampled)
{
    ken_prompt_row q[PROMPTS];
    ken_drawn drawn[PROMPTS][2];
    const char *answers[2] = {f->answer, f->second};
    char other[200];
    int rights = 0;
    snprintf(other, sizeof other, " %s, perhaps", f->belief);
    for (int i = 0; i < PROMPTS; i++) {
        bool hit = i < f->hits;
        drawn[i][0] = (ken_drawn){hit ? f->answer : other, SAMPLES - 1, hit};
        drawn[i][1] = (ken_drawn){f->belief, 1, false};
        rights += hit ? SAMPLES - 1 : 0;
        q[i] = (ken_prompt_row){.greedy_hit = hit,
                                .text = !f->texts ? NULL
                                        : hit     ? f->answer
                                                  : f->belief,
                                .finish = "newline",
                                .text_p = 0.5,
                                .margin = 1,
                                .top_gap = 1,
                                .p_lo = 0.75 * hit,
                                .p_hi = 0.75 * hit,
                                .hits = hit ? SAMPLES - 1 : 0,
                                .samples = SAMPLES,
                                .n_drawn = sampled ? 2 : 0,
                                .drawn = drawn[i]};
    }
    double p = (double)rights / (PROMPTS * SAMPLES);
    ken_row r = {.id = f->id,
                 .relation = "r",
                 .split = "test",
                 .question = f->question,
                 .answers = answers,
                 .n_answers = f->second != NULL ? 2 : 1,
                 .popularity = NAN,
                 .category = f->hits == PROMPTS ? KEN_HIGHLY_KNOWN
                             : f->hits > 0      ? KEN_MAYBE_KNOWN
                                                : KEN_UNKNOWN,
                 .p_t0 = (double)f->hits / PROMPTS,
                 .p_t = p,
                 .p_t_lo = p,
                 .p_t_hi = p,
                 .greedy_hits = f->hits,
                 .prompts = PROMPTS,
                 .sample_hits = rights,
                 .samples = PROMPTS * SAMPLES,
                 .p_guess = NAN,
                 .lift = NAN,
                 .score = NAN,
                 .p_unknown = f->hits == 0,
                 .p_unknown_lo = f->hits == 0,
                 .p_unknown_hi = f->hits == 0,
                 .method = sampled ? "sample" : "exact",
                 .n_prompt_rows = PROMPTS,
                 .prompt_rows = q};
    r.category_mode = r.category;
    assert_ok(ken_store_put_row(s, at, &r, &err));
}

typedef struct made_run {
    ken_run *run;
    ken_scoring *s;
} made_run;

static made_run make_run(const char *name, const made_fact *f, size_t n, bool sampled, const char *matcher)
{
    const ken_setting settings[] = {{"method", sampled ? "sample" : "exact", true},
                                    {"matcher", matcher, true},
                                    {"prompts", "10", true},
                                    {"samples", "4", true},
                                    {"seed", "5", true},
                                    {"stop", "\n", true}};
    made_run r = {NULL, NULL};
    ken_store *s;
    remove(in_folder(name));
    assert_ok(ken_store_open(&s, in_folder(name), settings, sizeof settings / sizeof *settings, &err));
    for (size_t i = 0; i < n; i++) put_fact(s, i, &f[i], sampled);
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&r.run, in_folder(name), &err));
    assert_ok(ken_score(&r.s, r.run, NULL, &err));
    return r;
}

static void free_run(made_run r)
{
    ken_scoring_free(r.s);
    ken_run_free(r.run);
}

/* Facts of which 0 to 9 of ten greedy answers are right, with everything in them that can break a table. */
static made_fact facts[N_FACTS];

static void make_facts(void)
{
    static char ids[N_FACTS][16], questions[N_FACTS][100];
    static const char *const beliefs[] = {
        "Lyon",     "=1+1",          "+33 1 40 20", "-5",       "@home", "'s-Hertogenbosch",
        "a;b,c\td", "\"Paris\"-ish", "Zürich",      "x \"y\" z"};
    for (int i = 0; i < N_FACTS; i++) {
        snprintf(ids[i], sizeof ids[i], i == 7 ? "=%d" : i == 8 ? "'%d" : "r/test/%d", i);
        snprintf(questions[i], sizeof questions[i], "Which \"city\",\nplease, is number %d?", i);
        facts[i] =
            (made_fact){ids[i], questions[i], "Paris", i % 3 == 0 ? "=Lutetia" : NULL, beliefs[i % 10], i % 11, true};
    }
}

/* ---- sheets ------------------------------------------------------------------------------------------------------------ */

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *s = calloc(1, 1 << 17);
    assert_non_null(f);
    assert_non_null(s);
    size_t n = fread(s, 1, (1 << 17) - 1, f);
    assert_true(n > 0 && n < (1 << 17) - 1);
    fclose(f);
    return s;
}

static void write_file(const char *path, const char *s, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(s, 1, n, f), n);
    fclose(f);
}

enum { COLUMNS = KEN_SHEET_COLUMNS, MOST_LINES = 100 };

/* A sheet in memory as a spreadsheet has it. */
typedef struct table {
    char cell[MOST_LINES][COLUMNS][160];
    size_t n; /* with the header */
} table;
static table sheet, edited;

static void set(table *t, size_t line, int column, const char *text)
{
    snprintf(t->cell[line][column], sizeof t->cell[line][column], "%s", text);
}

/* RFC 4180, as the writer keeps to it; apart from the reader under test. */
static void load(table *t, const char *path)
{
    char *text = read_file(path), *p = text;
    memset(t, 0, sizeof *t);
    while (*p != '\0') {
        assert_true(t->n < MOST_LINES);
        for (int c = 0; c < COLUMNS; c++) {
            char *out = t->cell[t->n][c];
            bool quoted = *p == '"';
            p += quoted;
            while (quoted ? *p != '"' || p[1] == '"' : *p != ',' && *p != '\n') {
                assert_true(*p != '\0' && out < t->cell[t->n][c] + 159);
                p += quoted && *p == '"';
                *out++ = *p++;
            }
            p += quoted;
            assert_int_equal(*p, c + 1 < COLUMNS ? ',' : '\n');
            p++;
        }
        t->n++;
    }
    free(text);
}

typedef struct dialect {
    const char *name;
    char separator;
    bool all, crlf, mark, extra, reversed, bare, cut, empty_below, cr_in_cells;
} dialect;

static void put_cell(ken_buf *b, const char *s, const dialect *d)
{
    const char special[] = {d->separator, '"', '\n', '\r', '\0'};
    bool quote = d->all || strpbrk(s, special) != NULL;
    if (d->bare && *s == '\'') s++;
    if (quote) ken_buf_putc(b, '"');
    for (; *s != '\0'; s++) {
        if (*s == '"') ken_buf_putc(b, '"');
        if (*s == '\n' && d->cr_in_cells) ken_buf_putc(b, '\r');
        ken_buf_putc(b, *s);
    }
    if (quote) ken_buf_putc(b, '"');
}

static void save(const table *t, const char *path, const dialect *d)
{
    ken_buf b = {0};
    if (d->mark) ken_buf_puts(&b, "\xEF\xBB\xBF");
    for (size_t i = 0; i < t->n; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            int at = d->reversed ? COLUMNS - 1 - c : c;
            if (d->cut && !d->reversed && i > 0 && c == COLUMNS - 1 && t->cell[i][at][0] == '\0') continue;
            if (c > 0) ken_buf_putc(&b, d->separator);
            put_cell(&b, t->cell[i][at], d);
        }
        for (int k = 0; k < 3 && d->extra; k++) {
            ken_buf_putc(&b, d->separator);
            if (k == 1) put_cell(&b, i == 0 ? "my notes" : "hm; \"well\", yes", d);
        }
        ken_buf_puts(&b, d->crlf ? "\r\n" : "\n");
    }
    if (d->extra && d->empty_below && !d->reversed) {
        for (int c = 0; c < COLUMNS + 1; c++) ken_buf_putc(&b, d->separator);
        ken_buf_puts(&b, "that was all\n");
    }
    for (int k = 0; k < 3 && d->empty_below; k++) {
        for (int c = 0; c < 12 * k; c++) ken_buf_putc(&b, d->separator);
        ken_buf_puts(&b, d->crlf ? "\r\n" : "\n");
    }
    assert_false(b.failed);
    write_file(path, ken_buf_str(&b), b.len);
    ken_buf_free(&b);
}

static const dialect as_written = {.name = "as written", .separator = ','};

static void audit(made_run r, size_t n, uint64_t seed, const char *name, table *t)
{
    size_t written;
    remove(in_folder(name));
    assert_ok(ken_scoring_audit(r.s, n, seed, in_folder(name), &written, &err));
    load(t, in_folder(name));
    assert_int_equal(t->n, written + 1);
}

/* Every third one not judged, the others in turn. */
static void judge(table *t)
{
    static const char *const said[] = {"wrong", "", "W", "Paraphrase", "", "wrong.", "higher", "", "LOWER GRANULARITY"};
    for (size_t i = 1; i < t->n; i++) set(t, i, KEN_SHEET_VERDICT, said[(i - 1) % 9]);
}

/* ---- what a sheet says ------------------------------------------------------------------------------------------------- */

static void near(double got, double want, double by)
{
    if (!(fabs(got - want) <= by)) fail_msg("%.12g, expected %.12g", got, want);
}

/* Two facts: one rejected answer of ten that is right, nine of ten that are wrong. */
static void by_hand(void **state)
{
    (void)state;
    const made_fact two[] = {{"a", "A?", "Paris", NULL, "Paree", 9, true}, {"b", "B?", "Paris", NULL, "Lyon", 1, true}};
    made_run r = make_run("two.ken", two, 2, false, "em-squad/1");
    table *t = &sheet;
    audit(r, 5, 1, "two.csv", t);
    assert_int_equal(t->n, 3);
    set(t, 1, KEN_SHEET_VERDICT, "p");
    set(t, 2, KEN_SHEET_VERDICT, "w");
    save(t, in_folder("two.csv"), &as_written);
    ken_audited x;
    assert_ok(ken_scoring_audited(r.s, in_folder("two.csv"), &x, &err));
    assert_int_equal(x.all.answers, 2);
    assert_int_equal(x.all.judged, 2);
    assert_int_equal(x.all.verdict[KEN_AUDIT_WRONG], 1);
    assert_int_equal(x.all.verdict[KEN_AUDIT_PARAPHRASE], 1);
    assert_memory_equal(&x.all, &x.kind[KEN_AUDIT_GREEDY], sizeof x.all);
    near(x.all.lo[KEN_AUDIT_WRONG], 0.0945312057, 1e-9); /* Wilson's of 1 of 2 */
    near(x.all.hi[KEN_AUDIT_WRONG], 0.9054687943, 1e-9);
    assert_int_equal(x.kind[KEN_AUDIT_SAMPLED].answers, 0);
    const ken_audit_missed *m = &x.missed[KEN_AUDIT_GREEDY];
    assert_int_equal(m->answers, 20);
    assert_int_equal(m->rejected, 10);
    assert_int_equal(m->stored, 10);
    near(m->accuracy, 0.5, 0);
    near(m->right.share, 0.1, 1e-15); /* 1 / (1 + 9) */
    near(m->missed.share, 0.05, 1e-15);
    near(m->effective, 100.0 / 82.0, 1e-12); /* Kish; the observed variance, (0.81 + 81 * 0.01) / 0.09 = 18, is less */
    double lo, hi;
    ken_wilson_effective(0.1 * 100.0 / 82.0, 100.0 / 82.0, &lo, &hi);
    near(m->right.lo, lo, 1e-12);
    near(m->right.hi, hi, 1e-12);
    near(m->missed.lo, 0.5 * lo, 1e-12);
    near(m->missed.hi, 0.5 * hi, 1e-12);
    near(m->missed_paraphrase.share, 0.05, 1e-15);

    /* The other way round the verdict goes with the weight: 81 * 0.01 + 0.81 over 0.09 is the same 18, with a third answer it is more. */
    set(t, 1, KEN_SHEET_VERDICT, "w");
    set(t, 2, KEN_SHEET_VERDICT, "h");
    save(t, in_folder("two.csv"), &as_written);
    assert_ok(ken_scoring_audited(r.s, in_folder("two.csv"), &x, &err));
    near(m->right.share, 0.9, 1e-15);
    near(m->right_paraphrase.share, 0.0, 0);
    near(m->right_paraphrase.lo, 0.0, 0);
    free_run(r);
}

/* Ten facts with one rejected answer each, wrong; ten with ten, of which every second is right: the observed variance is the larger. */
static void verdicts_that_go_with_the_weight(void **state)
{
    (void)state;
    made_fact f[20];
    char ids[20][8];
    table *t = &sheet;
    for (int i = 0; i < 20; i++) {
        snprintf(ids[i], sizeof ids[i], "f%02d", i);
        f[i] = (made_fact){ids[i], "Q?", "Paris", NULL, "Lyon", i < 10 ? 9 : 0, true};
    }
    made_run r = make_run("weights.ken", f, 20, false, "em-squad/1");
    audit(r, 20, 1, "weights.csv", t);
    assert_int_equal(t->n, 21);
    for (size_t i = 1; i < t->n; i++) set(t, i, KEN_SHEET_VERDICT, i > 10 && i % 2 == 0 ? "p" : "w");
    save(t, in_folder("weights.csv"), &as_written);
    ken_audited x;
    assert_ok(ken_scoring_audited(r.s, in_folder("weights.csv"), &x, &err));
    const ken_audit_missed *m = &x.missed[KEN_AUDIT_GREEDY];
    double p = 50.0 / 110.0, observed = (500 * (1 - p) * (1 - p) + 510 * p * p) / (p * (1 - p));
    assert_true(observed > 1010.0);
    near(m->right.share, p, 1e-15);
    near(m->effective, 110.0 * 110.0 / observed, 1e-9);
    near(m->missed.share, p * 110.0 / 200.0, 1e-15);
    free_run(r);
}

/* Facts that are almost known are missed for their wording: over many draws the estimate is the truth, the plain share is not. */
static void right_on_average(void **state)
{
    (void)state;
    made_run r = make_run("average.ken", facts, N_FACTS, false, "em-squad/1");
    table *t = &sheet;
    double sum = 0.0, plain = 0.0, truth = 0.0;
    uint64_t rejected = 0;
    int draws = 120, covered = 0;
    for (int i = 0; i < N_FACTS; i++) {
        rejected += (uint64_t)(PROMPTS - facts[i].hits);
        truth += facts[i].hits >= 5 ? PROMPTS - facts[i].hits : 0;
    }
    truth /= (double)rejected;
    for (int k = 0; k < draws; k++) {
        audit(r, 18, (uint64_t)k, "average.csv", t);
        for (size_t i = 1; i < t->n; i++) {
            int fact = 0;
            while (strcmp(facts[fact].question, t->cell[i][KEN_SHEET_QUESTION]) != 0) fact++;
            set(t, i, KEN_SHEET_VERDICT, facts[fact].hits >= 5 ? "paraphrase" : "wrong");
        }
        save(t, in_folder("average.csv"), &as_written);
        ken_audited x;
        assert_ok(ken_scoring_audited(r.s, in_folder("average.csv"), &x, &err));
        const ken_audit_missed *m = &x.missed[KEN_AUDIT_GREEDY];
        assert_int_equal(m->rejected, rejected);
        near(m->accuracy, ken_run_total(r.run)->mean_p_t0, 1e-12);
        near(m->missed.share, m->right.share * (1 - m->accuracy), 1e-12);
        sum += m->right.share;
        plain += (double)x.all.verdict[KEN_AUDIT_PARAPHRASE] / (double)x.all.judged;
        covered += m->right.lo <= truth && truth <= m->right.hi;
    }
    near(sum / draws, truth, 0.02);
    assert_true(plain / draws > truth + 0.15);
    assert_true(covered >= draws * 93 / 100);
    free_run(r);
}

static void greedy_and_sampled(void **state)
{
    (void)state;
    made_run r = make_run("sampled.ken", facts, N_FACTS, true, "em-squad/1");
    table *t = &sheet;
    audit(r, 40, 3, "sampled.csv", t);
    judge(t);
    save(t, in_folder("sampled.csv"), &as_written);
    ken_audited x;
    assert_ok(ken_scoring_audited(r.s, in_folder("sampled.csv"), &x, &err));
    assert_int_equal(x.all.answers, 40);
    assert_int_equal(x.all.judged, 27);
    for (int k = 0; k < KEN_AUDIT_KINDS; k++) assert_int_equal(x.kind[k].answers, 20);
    for (int v = 0; v < KEN_AUDIT_VERDICTS; v++) {
        assert_int_equal(x.all.verdict[v], x.kind[0].verdict[v] + x.kind[1].verdict[v]);
        assert_true(x.all.verdict[v] > 0);
    }
    const ken_audit_missed *m = &x.missed[KEN_AUDIT_SAMPLED];
    assert_int_equal(m->answers, N_FACTS * PROMPTS * SAMPLES);
    assert_int_equal(m->rejected, m->stored);
    near(m->accuracy, ken_run_total(r.run)->mean_p_t, 1e-12);
    near(x.missed[KEN_AUDIT_GREEDY].accuracy, ken_run_total(r.run)->mean_p_t0, 1e-12);
    assert_true(m->missed.lo > 0 && m->missed.lo < m->missed.share && m->missed.share < m->missed.hi);

    /* With fewer prompts it is another sheet, and another accuracy. */
    ken_score_options o = ken_score_defaults();
    ken_scoring *s;
    o.prompts = 5;
    assert_ok(ken_score(&s, r.run, &o, &err));
    size_t written;
    assert_int_equal(ken_scoring_audited(s, in_folder("sampled.csv"), &x, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "the fact has 5 prompts"));
    assert_ok(ken_scoring_audit(s, 10, 3, in_folder("five.csv"), &written, &err));
    assert_ok(ken_scoring_audited(s, in_folder("five.csv"), &x, &err));
    assert_int_equal(x.missed[KEN_AUDIT_GREEDY].answers, N_FACTS * 5);
    assert_int_equal(x.all.judged, 0);
    assert_true(isnan(x.missed[KEN_AUDIT_GREEDY].right.share) && isnan(x.missed[KEN_AUDIT_GREEDY].missed.hi));
    ken_scoring_free(s);
    free_run(r);
}

/* Where a run's own verdict knows more than its matcher can be told (other names of an answer), it counts. */
static void names_that_only_the_run_knew(void **state)
{
    (void)state;
    made_fact f[] = {{"a", "A?", "Paris", NULL, "Lyon", 4, true}};
    made_run r = make_run("names.ken", f, 1, true, "em-alias/1");
    ken_scoring_free(r.s);
    ken_run_free(r.run);
    ken_store *s;
    const ken_setting settings[] = {{"method", "exact", true}, {"matcher", "em-alias/1", true}, {"stop", "\n", true}};
    remove(in_folder("names.ken"));
    assert_ok(ken_store_open(&s, in_folder("names.ken"), settings, 3, &err));
    ken_prompt_row q[PROMPTS];
    const char *answer = "Paris";
    for (int i = 0; i < PROMPTS; i++)
        q[i] = (ken_prompt_row){.greedy_hit = i > 0, .text = i > 0 ? "Lutetia" : "Lyon", .finish = "eos", .samples = 4};
    ken_row row = {.id = "a",
                   .relation = "r",
                   .split = "",
                   .question = "A?",
                   .answers = &answer,
                   .n_answers = 1,
                   .popularity = NAN,
                   .category = KEN_MAYBE_KNOWN,
                   .category_mode = KEN_MAYBE_KNOWN,
                   .p_t0 = 0.9,
                   .greedy_hits = 9,
                   .prompts = PROMPTS,
                   .samples = 40,
                   .p_guess = NAN,
                   .lift = NAN,
                   .score = NAN,
                   .method = "exact",
                   .n_prompt_rows = PROMPTS,
                   .prompt_rows = q};
    assert_ok(ken_store_put_row(s, 0, &row, &err));
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&r.run, in_folder("names.ken"), &err));
    assert_ok(ken_score(&r.s, r.run, NULL, &err));
    table *t = &sheet;
    for (uint64_t seed = 0; seed < 10; seed++) {
        audit(r, 5, seed, "names.csv", t);
        assert_string_equal(t->cell[1][KEN_SHEET_PREDICTION], "Lyon");
    }
    ken_audited x;
    assert_ok(ken_scoring_audited(r.s, in_folder("names.csv"), &x, &err));
    assert_int_equal(x.missed[KEN_AUDIT_GREEDY].rejected, 1);
    near(x.missed[KEN_AUDIT_GREEDY].accuracy, 0.9, 0);
    free_run(r);
}

static void texts_that_are_not_stored(void **state)
{
    (void)state;
    made_fact f[] = {{"a", "A?", "Paris", NULL, "Lyon", 4, true}, {"b", "B?", "Paris", NULL, "Lyon", 2, false}};
    made_run r = make_run("no-texts.ken", f, 2, false, "em-squad/1");
    table *t = &sheet;
    audit(r, 5, 1, "no-texts.csv", t);
    assert_int_equal(t->n, 2);
    ken_audited x;
    assert_ok(ken_scoring_audited(r.s, in_folder("no-texts.csv"), &x, &err));
    assert_int_equal(x.missed[KEN_AUDIT_GREEDY].rejected, 14);
    assert_int_equal(x.missed[KEN_AUDIT_GREEDY].stored, 6);
    set(t, 1, KEN_SHEET_ID, "b");
    set(t, 1, KEN_SHEET_QUESTION, "B?");
    save(t, in_folder("no-texts.csv"), &as_written);
    assert_int_equal(ken_scoring_audited(r.s, in_folder("no-texts.csv"), &x, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "the run holds no greedy answer there"));
    free_run(r);
}

/* ---- spreadsheets ------------------------------------------------------------------------------------------------------ */

/* Every number of it. */
static void describe(const ken_audited *x, char *out, size_t size)
{
    const ken_audit_part *parts[] = {&x->all, &x->kind[0], &x->kind[1]};
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        n += (size_t)snprintf(out + n, size - n, "%llu %llu\n", (unsigned long long)parts[i]->answers,
                              (unsigned long long)parts[i]->judged);
        for (int v = 0; v < KEN_AUDIT_VERDICTS; v++)
            n += (size_t)snprintf(out + n, size - n, "%llu %a %a\n", (unsigned long long)parts[i]->verdict[v],
                                  parts[i]->lo[v], parts[i]->hi[v]);
    }
    for (int k = 0; k < KEN_AUDIT_KINDS; k++) {
        const ken_audit_missed *m = &x->missed[k];
        const ken_audit_share *shares[] = {&m->right, &m->missed, &m->right_paraphrase, &m->missed_paraphrase};
        n +=
            (size_t)snprintf(out + n, size - n, "%llu %llu %llu %a %a\n", (unsigned long long)m->answers,
                             (unsigned long long)m->rejected, (unsigned long long)m->stored, m->accuracy, m->effective);
        for (int i = 0; i < 4; i++)
            n += (size_t)snprintf(out + n, size - n, "%a %a %a\n", shares[i]->share, shares[i]->lo, shares[i]->hi);
    }
    assert_true(n < size);
}

static void as_spreadsheets_leave_it(void **state)
{
    (void)state;
    static const dialect dialects[] = {
        {"quotes around all", ',', .all = true},
        {"Excel with UTF-8", ',', .crlf = true, .mark = true},
        {"Excel, German", ';', .crlf = true, .mark = true, .cr_in_cells = true},
        {"LibreOffice, tabs, all quoted", '\t', .all = true},
        {"tabs", '\t', .crlf = true},
        {"without the guard against formulas", ',', .bare = true},
        {"more columns, lines below", ',', .extra = true, .empty_below = true},
        {"semicolons, more columns, lines below", ';', .extra = true, .empty_below = true, .crlf = true},
        {"columns reversed", ',', .reversed = true},
        {"columns reversed, tabs", '\t', .reversed = true, .extra = true, .empty_below = true},
        {"empty cells at the end left out", ',', .cut = true},
        {"everything", ';', true, true, true, true, true, true, false, true, true},
    };
    made_run r = make_run("dialects.ken", facts, N_FACTS, true, "em-squad/1");
    table *t = &sheet;
    audit(r, 60, 3, "dialects.csv", t);
    judge(t);
    save(t, in_folder("dialects.csv"), &as_written);
    ken_audited x;
    char want[3000], got[3000];
    assert_ok(ken_scoring_audited(r.s, in_folder("dialects.csv"), &x, &err));
    assert_true(x.all.judged > 30);
    describe(&x, want, sizeof want);
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
        save(t, in_folder("dialects.csv"), &dialects[i]);
        if (ken_scoring_audited(r.s, in_folder("dialects.csv"), &x, &err) != KEN_OK)
            fail_msg("%s: %s", dialects[i].name, err.msg);
        describe(&x, got, sizeof got);
        if (strcmp(got, want) != 0) fail_msg("%s: other numbers", dialects[i].name);
    }

    /* Lines in another order, and only what must be there; ID and Prompt are names, too. */
    table *u = &edited;
    *u = *t;
    for (size_t i = 1; i < t->n; i++) memcpy(u->cell[i], t->cell[t->n - i], sizeof u->cell[i]);
    const int drop[] = {KEN_SHEET_RELATION, KEN_SHEET_QUESTION, KEN_SHEET_ANSWERS, KEN_SHEET_CATEGORY,
                        KEN_SHEET_MATCHER};
    for (size_t i = 0; i < sizeof drop / sizeof *drop; i++)
        for (size_t k = 0; k < u->n; k++) set(u, k, drop[i], k == 0 ? "" : "nothing");
    set(u, 0, KEN_SHEET_ID, " ID ");
    set(u, 0, KEN_SHEET_PROMPT, "Prompt");
    size_t digits = strlen(u->cell[1][KEN_SHEET_PROMPT]);
    assert_true(digits > 0 && digits < 3);
    memcpy(u->cell[1][KEN_SHEET_PROMPT] + digits, ".0", 3);
    save(u, in_folder("dialects.csv"), &as_written);
    assert_ok(ken_scoring_audited(r.s, in_folder("dialects.csv"), &x, &err));
    describe(&x, got, sizeof got);
    assert_string_equal(got, want);
    free_run(r);
}

static void words_of_a_person(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        int verdict; /* -1: not judged; -2: refused */
    } words[] = {{"wrong", 0},
                 {"WRONG", 0},
                 {" wrong ", 0},
                 {"w", 0},
                 {"wro", 0},
                 {"Wrong.", 0},
                 {"paraphrase", 1},
                 {"P", 1},
                 {"para", 1},
                 {"higher granularity", 2},
                 {"Higher-Granularity", 2},
                 {"higher_granularity", 2},
                 {"higher", 2},
                 {"h", 2},
                 {"lower  granularity", 3},
                 {"lower", 3},
                 {"L", 3},
                 {"", -1},
                 {"  ", -1},
                 {"right", -2},
                 {"correct", -2},
                 {"wrongly", -2},
                 {"wrong?", -2},
                 {"?", -2},
                 {".", -2},
                 {"-", -2},
                 {"granularity", -2},
                 {"0", -2},
                 {"wrong paraphrase", -2},
                 {"\xE2\x9C\x93", -2},
                 {"an answer that goes on and on until it is longer than any verdict there could ever be", -2}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char text[300];
        ken_sheet s;
        int n =
            snprintf(text, sizeof text, "id,prediction,decoding,prompt,verdict\na,b,greedy,3,\"%s\"\n", words[i].word);
        int rc = ken_sheet_parse(&s, "s.csv", text, (size_t)n, &err);
        if (rc != (words[i].verdict == -2 ? KEN_EINPUT : KEN_OK)) fail_msg("\"%s\": status %d", words[i].word, rc);
        if (rc == KEN_OK) {
            assert_int_equal(s.n, 1);
            assert_int_equal(s.lines[0].verdict, words[i].verdict);
            assert_int_equal(s.judged, words[i].verdict >= 0);
        } else {
            assert_non_null(strstr(err.msg, "s.csv:2: verdict is \""));
            assert_non_null(strstr(err.msg, "expected wrong, paraphrase, higher granularity or lower granularity"));
        }
        ken_sheet_free(&s);
    }
    assert_null(ken_audit_verdict_name(-1));
    assert_null(ken_audit_verdict_name(KEN_AUDIT_VERDICTS));
}

/* ---- what is refused --------------------------------------------------------------------------------------------------- */

static void refused_files(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } files[] = {
        {"", "s.csv: the file is empty"},
        {"\n\n", "s.csv: the file is empty"},
        {",,,\n\n,\n", "nothing but separators"},
        {"\xff\xfei\0d\0", "UTF-16"},
        {"one\n", "s.csv:1: column \"id\" is missing (1 columns, the first is \"one\")"},
        {"id,prediction,decoding,prompt\n", "s.csv:1: column \"verdict\" is missing (4 columns"},
        {"id;decoding;prompt;verdict\n", "column \"prediction\" is missing (4 columns"},
        {"\nid,prediction,decoding,prompt,verdict,Verdict\n", "s.csv:2: two columns are named verdict (5 and 6)"},
        {"id,prediction,decoding,prompt,verdict\na,b,beam,0,w\n", "s.csv:2: decoding is \"beam\"; expected greedy"},
        {"id,prediction,decoding,prompt,verdict\na,b,greedy,-1,w\n", "s.csv:2: prompt is \"-1\""},
        {"id,prediction,decoding,prompt,verdict\na,b,greedy,,w\n", "s.csv:2: prompt is \"\""},
        {"id,prediction,decoding,prompt,verdict\na,b,greedy,99999999999,w\n", "s.csv:2: prompt is \"99999999999\""},
        {"id,prediction,decoding,prompt,verdict\na,b,greedy,1x,w\n", "s.csv:2: prompt is \"1x\""},
        {"id,prediction,decoding,prompt,verdict\na,b,greedy,1.5,w\n", "s.csv:2: prompt is \"1.5\""},
        {"id,prediction,decoding,prompt,verdict\na,b,greedy,.0,w\n", "s.csv:2: prompt is \".0\""},
        {"id,prediction,decoding,prompt,verdict\n\na\n", "s.csv:3: decoding is \"\""},
        {"id,prediction,decoding,prompt,verdict\na,\"b,greedy,1,w\n", "s.csv:2: the quote that opens here"},
        {"id,prediction,decoding,prompt,verdict\na,\"b\"c,greedy,1,w\n", "s.csv:2: text after the closing quote"},
        {"id,prediction,decoding,prompt,verdict\na,\xff,greedy,1,w\n", "s.csv:2: the row is not valid UTF-8"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ken_sheet s;
        size_t n = files[i].text[0] == '\xff' ? 6 : strlen(files[i].text);
        assert_int_equal(ken_sheet_parse(&s, "s.csv", files[i].text, n, &err), KEN_EINPUT);
        if (strstr(err.msg, files[i].says) == NULL) fail_msg("expected \"%s\" in: %s", files[i].says, err.msg);
        ken_sheet_free(&s);
    }
}

static void refused_lines(void **state)
{
    (void)state;
    static const struct {
        int column;
        const char *text, *says;
    } edits[] = {
        {KEN_SHEET_ID, "r/test/99",
         "s.csv:5: the run has no fact with the id \"r/test/99\"; is this the sheet of another run?"},
        {KEN_SHEET_ID, "", "s.csv:5: the run has no fact with the id \"\""},
        {KEN_SHEET_ID, "r/test/1", "s.csv:"},
        {KEN_SHEET_RELATION, "q", "s.csv:5: the relation of r/test/3 is \"q\", and \"r\" in the run"},
        {KEN_SHEET_QUESTION, "Which city?",
         "s.csv:5: the question of r/test/3 is \"Which city?\", and \"Which \"city\","},
        {KEN_SHEET_ANSWERS, "Paris",
         "s.csv:5: the answers of r/test/3 is \"Paris\", and \"Paris | =Lutetia\" in the run"},
        {KEN_SHEET_PREDICTION, "lyon", "s.csv:5: the prediction of r/test/3 is \"lyon\", and \"-5\" in the run"},
        {KEN_SHEET_DECODING, "sampled", "s.csv:5: prompt 4 of r/test/3, \"-5\" (sampled): no such text was drawn"},
        {KEN_SHEET_PROMPT, "0", "s.csv:5: the prediction of r/test/3 is \"-5\", and \"Paris\" in the run"},
        {KEN_SHEET_PROMPT, "10", "s.csv:5: prompt 10 of r/test/3, \"-5\" (greedy): the fact has 10 prompts"},
        {KEN_SHEET_MATCHER, "em-raw/1",
         "s.csv:5: the sheet is of answers that em-raw/1 rejects, and the matcher is em-squad/1"},
        {KEN_SHEET_VERDICT, "right", "s.csv:5: verdict is \"right\""},
    };
    made_run r = make_run("lines.ken", facts, 8, false, "em-squad/1");
    table *t = &sheet, *u = &edited;
    audit(r, 40, 3, "lines.csv", t);
    assert_int_equal(t->n, 9);
    set(t, 4, KEN_SHEET_PROMPT, "4"); /* any that is rejected */
    judge(t);
    ken_audited x;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        *u = *t;
        set(u, 4, edits[i].column, edits[i].text);
        save(u, in_folder("s.csv"), &as_written);
        assert_int_equal(ken_scoring_audited(r.s, in_folder("s.csv"), &x, &err), KEN_EINPUT);
        char says[400]; /* questions take two lines of the file: line 5 of the table begins at line 8 */
        const char *rest = strncmp(edits[i].says, "s.csv:5", 7) == 0 ? edits[i].says + 7 : edits[i].says;
        snprintf(says, sizeof says, "%s%s", rest == edits[i].says ? "" : "s.csv:8", rest);
        if (strstr(err.msg, says) == NULL) fail_msg("expected \"%s\" in: %s", says, err.msg);
    }

    /* An accepted answer under a line that has no matcher; a line that stands twice; no line; a fact without a label. */
    *u = *t;
    set(u, 4, KEN_SHEET_PROMPT, "0");
    set(u, 4, KEN_SHEET_PREDICTION, "Paris");
    set(u, 0, KEN_SHEET_MATCHER, "");
    save(u, in_folder("s.csv"), &as_written);
    assert_int_equal(ken_scoring_audited(r.s, in_folder("s.csv"), &x, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "the matcher accepts this answer"));
    *u = *t;
    memcpy(u->cell[u->n++], t->cell[4], sizeof t->cell[4]);
    save(u, in_folder("s.csv"), &as_written);
    assert_int_equal(ken_scoring_audited(r.s, in_folder("s.csv"), &x, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "s.csv:18: r/test/3 has a greedy answer in line 8 already"));
    *u = *t;
    u->n = 1;
    save(u, in_folder("s.csv"), &as_written);
    assert_int_equal(ken_scoring_audited(r.s, in_folder("s.csv"), &x, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "no answers below"));
    assert_int_equal(ken_scoring_audited(r.s, in_folder("none.csv"), &x, &err), KEN_EINPUT);
    assert_int_equal(ken_scoring_audited(r.s, in_folder("none.csv"), &x, NULL), KEN_EINPUT);

    /* A long text that differs late is shown where it differs. */
    made_fact longer = {"r/test/0", "", "Paris", NULL, "Lyon", 0, true};
    char text[150];
    memset(text, 'x', sizeof text);
    memcpy(text + 120, "\xC3\xBC here?", 9);
    longer.question = text;
    made_run l = make_run("long.ken", &longer, 1, false, "em-squad/1");
    audit(l, 1, 3, "s.csv", t);
    t->cell[1][KEN_SHEET_QUESTION][125] = '#';
    save(t, in_folder("s.csv"), &as_written);
    assert_int_equal(ken_scoring_audited(l.s, in_folder("s.csv"), &x, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "x\xC3\xBC he#e?\", and \"...xx"));
    free_run(l);
    free_run(r);
}

/* A new sheet replaces an old one without verdicts, and nothing else. */
static void work_is_never_lost(void **state)
{
    (void)state;
    made_run r = make_run("work.ken", facts, N_FACTS, false, "em-squad/1");
    table *t = &sheet;
    size_t n;
    write_file(in_folder("work.csv"), "", 0);
    assert_ok(ken_scoring_audit(r.s, 5, 1, in_folder("work.csv"), &n, &err));
    assert_ok(ken_scoring_audit(r.s, 7, 1, in_folder("work.csv"), &n, &err));
    load(t, in_folder("work.csv"));
    assert_int_equal(t->n, 8);
    set(t, 3, KEN_SHEET_VERDICT, "w");
    save(t, in_folder("work.csv"), &as_written);
    char *before = read_file(in_folder("work.csv"));
    assert_int_equal(ken_scoring_audit(r.s, 7, 1, in_folder("work.csv"), &n, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "holds 1 verdict, which a new sheet would replace"));
    char *after = read_file(in_folder("work.csv"));
    assert_string_equal(before, after);
    free(before);
    free(after);
    write_file(in_folder("notes.csv"), "my notes\n", 9);
    assert_int_equal(ken_scoring_audit(r.s, 7, 1, in_folder("notes.csv"), &n, &err), KEN_EUSAGE);
    assert_non_null(strstr(err.msg, "is not a sheet that can be replaced"));
    assert_int_equal(ken_scoring_audit(r.s, 7, 1, in_folder("work.ken"), &n, &err), KEN_EUSAGE);
    free_run(r);
}

/* ---- damage and memory --------------------------------------------------------------------------------------------------- */

static void damaged_sheets(void **state)
{
    (void)state;
    made_run r = make_run("damage.ken", facts, 9, true, "em-squad/1");
    table *t = &sheet;
    audit(r, 8, 3, "damage.csv", t);
    judge(t);
    save(t, in_folder("damage.csv"), &as_written);
    char *text = read_file(in_folder("damage.csv"));
    size_t n = strlen(text), good = 0;
    ken_audited x;
    for (size_t cut = 0; cut <= n; cut++) { /* parsing at every length; against the run at some */
        ken_sheet s;
        int rc = ken_sheet_parse(&s, "s.csv", text, cut, &err);
        assert_true(rc == KEN_OK || rc == KEN_EINPUT);
        good += rc == KEN_OK;
        ken_sheet_free(&s);
        if (cut % 17 != 0) continue;
        write_file(in_folder("cut.csv"), text, cut);
        rc = ken_scoring_audited(r.s, in_folder("cut.csv"), &x, &err);
        assert_true(rc == KEN_OK || rc == KEN_EINPUT);
    }
    assert_true(good > 5 && good < n);
    for (size_t at = 0; at < n; at++) {
        const char bits[] = {1, 2, 8, 32, (char)128};
        char old = text[at];
        text[at] = (char)(old ^ bits[at % 5]);
        ken_sheet s;
        int rc = ken_sheet_parse(&s, "s.csv", text, n, &err);
        assert_true(rc == KEN_OK || rc == KEN_EINPUT);
        ken_sheet_free(&s);
        if (at % 7 == 0) {
            write_file(in_folder("cut.csv"), text, n);
            rc = ken_scoring_audited(r.s, in_folder("cut.csv"), &x, &err);
            assert_true(rc == KEN_OK || rc == KEN_EINPUT);
        }
        text[at] = old;
    }
    free(text);
    free_run(r);
}

static void allocations_that_fail(void **state)
{
    (void)state;
    made_run r = make_run("memory.ken", facts, 9, true, "em-squad/1");
    table *t = &sheet;
    audit(r, 8, 3, "memory.csv", t);
    judge(t);
    save(t, in_folder("memory.csv"), &as_written);
    int rc = KEN_ENOMEM;
    long at = 1;
    ken_audited x;
    for (; rc != KEN_OK; at++) {
        ken_alloc_fail_after(at);
        rc = ken_scoring_audited(r.s, in_folder("memory.csv"), &x, &err);
        ken_alloc_fail_after(0);
        if (rc != KEN_OK) assert_int_equal(rc, KEN_ENOMEM);
    }
    assert_true(at > 20);
    assert_int_equal(x.all.answers, 8);
    size_t n;
    rc = KEN_ENOMEM;
    for (at = 1; rc != KEN_OK; at++) {
        remove(in_folder("memory.csv"));
        if (at % 2 == 0) write_file(in_folder("memory.csv"), "id,prediction,decoding,prompt,verdict\n", 38);
        ken_alloc_fail_after(at);
        rc = ken_scoring_audit(r.s, 8, 3, in_folder("memory.csv"), &n, &err);
        ken_alloc_fail_after(0);
        if (rc != KEN_OK) assert_int_equal(rc, KEN_ENOMEM);
    }
    assert_true(at > 20);
    free_run(r);
}

int main(void)
{
    make_facts();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(verdicts_that_go_with_the_weight),
        cmocka_unit_test(right_on_average),
        cmocka_unit_test(greedy_and_sampled),
        cmocka_unit_test(names_that_only_the_run_knew),
        cmocka_unit_test(texts_that_are_not_stored),
        cmocka_unit_test(as_spreadsheets_leave_it),
        cmocka_unit_test(words_of_a_person),
        cmocka_unit_test(refused_files),
        cmocka_unit_test(refused_lines),
        cmocka_unit_test(work_is_never_lost),
        cmocka_unit_test(damaged_sheets),
        cmocka_unit_test(allocations_that_fail),
    };
    return cmocka_run_group_tests_name("study-audit", tests, NULL, remove_folder);
}
