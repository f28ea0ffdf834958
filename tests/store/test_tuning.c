/* test_tuning.c - trainings and evaluations in a run: written, read back, replaced, cut back, manipulated, and out of memory. */
#include "base/alloc.h"
#include "rows.h"
#include "store/tuning.h"
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ken_err err;

static const ken_setting settings[] = {{KEN_SETTING_KIND, KEN_KIND_TRAIN, true}, {"seed", "0", true}};

static ken_store *open_store(const char *path)
{
    ken_store *s;
    assert_ok(ken_store_open(&s, path, settings, 2, &err));
    return s;
}

enum { N_TRAINED = 21 };

static ken_trained trained_row(int i)
{
    static char id[32];
    snprintf(id, sizeof id, "P%d/train/%d", i % 3, i);
    return (ken_trained){.id = id,
                         .relation = i % 3 == 0 ? "P0" : "",
                         .task = i < 20 ? "" : "mix",
                         .category = i % (KEN_N_CATEGORIES + 1),
                         .question = i == 4 ? NULL : "What is it?",
                         .target = i == 4 ? NULL : "Müll\nx",
                         .weight = 0.25 * i,
                         .subject = i % 2 == 0 ? "Sub ject" : NULL};
}

static ken_point point(int64_t step)
{
    return (ken_point){.step = step,
                       .epoch = (double)step / 48,
                       .lr = step == 0 ? NAN : 1e-5,
                       .loss = step == 0 ? NAN : 1.0 / (double)(step + 3),
                       .kl = NAN,
                       .grad_norm = 0.1 * (double)step,
                       .seconds = 3.5 * (double)step,
                       .examples = 128 * (uint64_t)step,
                       .tokens = 512 * (uint64_t)step,
                       .forwards = 5000000000 * (uint64_t)step,
                       .last = true,
                       .kl_base = step == 10 ? NAN : 0.25 * (double)step,
                       .kl_positions = step == 10 ? 0 : 7 + (uint64_t)step};
}

static ken_measure measure(const char *set, const char *grouping, const char *key, int64_t step)
{
    uint64_t n = 1000;
    return (ken_measure){.set = set,
                         .grouping = grouping,
                         .key = key,
                         .n = n,
                         .hits = 10 * (uint64_t)step,
                         .hits_raw = 9 * (uint64_t)step,
                         .abstained = 5,
                         .answered = n - 5 - 1,
                         .loss = strcmp(set, "dev") == 0 ? NAN : 1.5 * (double)step,
                         .tokens = 3000,
                         .bytes = 11,
                         .p = NAN,
                         .n_more = 2,
                         .more = {{"em-alias/1", 11 * (uint64_t)step}, {"f1@0.5/1", 1}}};
}

static ken_evaluated evaluated(const char *set, int i)
{
    static char id[32];
    snprintf(id, sizeof id, "P36/test/%d", i);
    return (ken_evaluated){.set = set,
                           .id = id,
                           .relation = "P36",
                           .split = "test",
                           .category = i % 2 ? KEN_MAYBE_KNOWN : KEN_N_CATEGORIES,
                           .popularity = i % 2 ? NAN : 17.5,
                           .question = "Where?",
                           .answer = "There",
                           .text = i == 3 ? NULL : " There",
                           .finish = i == 3 ? "" : "newline",
                           .hit = i % 2,
                           .hit_raw = i % 3 == 0,
                           .abstained = i % 5 == 0,
                           .too_long = i == 3,
                           .more = (uint32_t)i,
                           .p = i % 2 ? 0.5 : NAN};
}

static int put_point(ken_store *s, int64_t step)
{
    ken_point p = point(step);
    int rc = ken_tuning_put_point(s, &p, &err);
    static const char *const keys[][3] = {{"train", "all", ""},
                                          {"dev", "all", ""},
                                          {"train", "category", "Unknown"},
                                          {"train", "category", "HighlyKnown"}};
    for (size_t i = 0; i < 4 && rc == KEN_OK; i++) {
        ken_measure m = measure(keys[i][0], keys[i][1], keys[i][2], step);
        rc = ken_tuning_put_measure(s, step, &m, &err);
    }
    uint8_t bits[3] = {(uint8_t)step, 0xAA, 0x10};
    if (rc == KEN_OK) rc = ken_tuning_put_fit(s, step, bits, N_TRAINED, &err);
    for (int i = 0; i < 6 && rc == KEN_OK; i++) {
        ken_evaluated e = evaluated(i < 4 ? "test" : "dev", i);
        rc = ken_tuning_put_evaluated(s, step, (size_t)i, &e, &err);
    }
    return rc;
}

/* A training of three points. */
static int make(const char *path)
{
    ken_store *s = NULL;
    int rc = ken_store_open(&s, path, settings, 2, &err);
    for (int i = 0; i < N_TRAINED && rc == KEN_OK; i++) {
        ken_trained t = trained_row(i);
        rc = ken_tuning_put_row(s, (size_t)i, &t, &err);
    }
    for (int64_t step = 0; step <= 20 && rc == KEN_OK; step += 10) rc = put_point(s, step);
    if (rc == KEN_OK) rc = ken_tuning_mark(s, 10, 20, &err);
    if (rc == KEN_OK) return ken_store_close(s, &err);
    ken_store_close(s, NULL);
    return rc;
}

static bool same(double a, double b) { return isnan(a) ? isnan(b) : a == b; }

static void check_text(const char *a, const char *b)
{
    if (a == NULL) assert_null(b);
    else assert_string_equal(a, b);
}

static void check_measure(const ken_measure *a, const ken_measure *b)
{
    assert_string_equal(a->set, b->set);
    assert_string_equal(a->grouping, b->grouping);
    assert_string_equal(a->key, b->key);
    assert_true(a->n == b->n && a->hits == b->hits && a->hits_raw == b->hits_raw && a->abstained == b->abstained);
    assert_true(a->answered == b->answered && a->tokens == b->tokens && a->bytes == b->bytes);
    assert_true(same(a->loss, b->loss) && same(a->p, b->p));
    assert_int_equal(a->n_more, b->n_more);
    for (int i = 0; i < a->n_more; i++) {
        assert_string_equal(a->more[i].matcher, b->more[i].matcher);
        assert_true(a->more[i].hits == b->more[i].hits);
    }
}

typedef struct seen {
    int n, stop_at;
} seen;

static int see(void *ctx, const ken_evaluated *e, ken_err *er)
{
    seen *s = ctx;
    int i = s->n < 2 ? s->n + 4 : s->n - 2; /* "dev" stands before "test" */
    ken_evaluated w = evaluated(i < 4 ? "test" : "dev", i);
    check_text(w.set, e->set);
    check_text(w.id, e->id);
    check_text(w.relation, e->relation);
    check_text(w.split, e->split);
    check_text(w.question, e->question);
    check_text(w.answer, e->answer);
    check_text(w.text, e->text);
    check_text(w.finish, e->finish);
    assert_int_equal(w.category, e->category);
    assert_true(same(w.popularity, e->popularity) && same(w.p, e->p) && w.more == e->more);
    assert_true(w.hit == e->hit && w.hit_raw == e->hit_raw && w.abstained == e->abstained && w.too_long == e->too_long);
    if (++s->n == s->stop_at) {
        er->status = KEN_ESTOP;
        return KEN_ESTOP;
    }
    return KEN_OK;
}

static void check_point(ken_run *r, size_t i, int64_t step)
{
    const ken_point *p = ken_run_point(r, i);
    assert_non_null(p);
    ken_point w = point(step);
    assert_true(p->step == step && p->epoch == w.epoch && same(p->lr, w.lr) && same(p->loss, w.loss));
    assert_true(isnan(p->kl) && p->grad_norm == w.grad_norm && p->seconds == w.seconds && p->examples == w.examples);
    assert_true(p->tokens == w.tokens && p->forwards == w.forwards);
    assert_true(same(p->kl_base, w.kl_base) && p->kl_positions == w.kl_positions);
    const ken_measure *m;
    size_t n;
    assert_ok(ken_run_measures(r, step, &m, &n, &err));
    assert_int_equal(n, 4);
    ken_measure dev = measure("dev", "all", "", step), hk = measure("train", "category", "HighlyKnown", step);
    check_measure(&dev, &m[0]); /* by set, grouping, key */
    check_measure(&hk, &m[2]);
    assert_ptr_equal(ken_measure_find(m, n, "train", "category", "Unknown"), &m[3]);
    assert_null(ken_measure_find(m, n, "train", "category", "x"));
    bool fitted[N_TRAINED], there;
    assert_ok(ken_run_fit(r, step, fitted, &there, &err));
    assert_true(there);
    uint8_t bits[3] = {(uint8_t)step, 0xAA, 0x10};
    for (int k = 0; k < N_TRAINED; k++) assert_int_equal(fitted[k], bits[k / 8] >> (k % 8) & 1);
    seen s = {0};
    assert_ok(ken_run_evaluated(r, step, see, &s, &err));
    assert_int_equal(s.n, 6);
}

static void round_trip(void **state)
{
    (void)state;
    const char *path = in_folder("train.ken");
    assert_ok(make(path));
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_string_equal(ken_run_kind(r), "train");
    assert_int_equal(ken_run_count(r), 0);
    assert_int_equal(ken_run_n_points(r), 3);
    for (size_t i = 0; i < 3; i++) check_point(r, i, 10 * (int64_t)i);
    assert_null(ken_run_point(r, 3));
    assert_true(!ken_run_point(r, 0)->best && !ken_run_point(r, 0)->last);
    assert_true(ken_run_point(r, 1)->best && !ken_run_point(r, 1)->last);
    assert_true(!ken_run_point(r, 2)->best && ken_run_point(r, 2)->last);
    assert_int_equal(ken_run_n_trained(r), N_TRAINED);
    for (int i = 0; i < N_TRAINED; i++) {
        ken_trained w = trained_row(i);
        const ken_trained *t = ken_run_trained(r, (size_t)i, &err);
        assert_non_null(t);
        check_text(w.id, t->id);
        check_text(w.relation, t->relation);
        check_text(w.task, t->task);
        check_text(w.question, t->question);
        check_text(w.target, t->target);
        check_text(w.subject, t->subject);
        assert_int_equal(w.category, t->category);
        assert_true(w.weight == t->weight);
    }
    assert_null(ken_run_trained(r, N_TRAINED, &err));
    const ken_measure *m;
    size_t n;
    assert_ok(ken_run_measures(r, 5, &m, &n, &err)); /* nothing was measured there */
    assert_int_equal(n, 0);
    bool fitted[N_TRAINED], there;
    assert_ok(ken_run_fit(r, 5, fitted, &there, &err));
    assert_false(there);
    seen s = {.stop_at = 3};
    assert_int_equal(ken_run_evaluated(r, 0, see, &s, &err), KEN_ESTOP);
    assert_int_equal(s.n, 3);
    ken_run_free(r);
}

/* A training that was killed does its last steps again, perhaps with another result. */
static void again(void **state)
{
    (void)state;
    const char *path = in_folder("again.ken");
    assert_ok(make(path));
    ken_store *s = open_store(path);
    assert_ok(put_point(s, 10)); /* the same once more */
    ken_point p = point(20);
    assert_ok(ken_tuning_put_point(s, &p, &err)); /* replaced: what was measured there is gone */
    ken_measure m = measure("dev", "all", "", 20);
    m.n_more = 1;
    assert_ok(ken_tuning_put_measure(s, 20, &m, &err));
    m.more[0].hits = 3;
    m.more[0].matcher = "contains/1";
    assert_ok(ken_tuning_put_measure(s, 20, &m, &err));
    ken_trained t = trained_row(7);
    t.target = "other";
    assert_ok(ken_tuning_put_row(s, 7, &t, &err));
    assert_ok(ken_tuning_mark(s, -1, 10, &err));
    assert_ok(ken_store_close(s, &err));
    ken_run *r;
    const ken_measure *all;
    size_t n;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_n_points(r), 3);
    check_point(r, 1, 10);
    assert_ok(ken_run_measures(r, 20, &all, &n, &err));
    assert_int_equal(n, 1);
    check_measure(&m, all);
    seen none = {0};
    assert_ok(ken_run_evaluated(r, 20, see, &none, &err));
    assert_int_equal(none.n, 0);
    assert_string_equal(ken_run_trained(r, 7, &err)->target, "other");
    assert_true(!ken_run_point(r, 1)->best && ken_run_point(r, 1)->last && !ken_run_point(r, 2)->last);
    ken_run_free(r);

    s = open_store(path);
    assert_ok(ken_tuning_drop_evaluated(s, 10, 0, &err)); /* those of step 0 are the best */
    assert_ok(ken_store_commit(s, &err));
    assert_ok(ken_run_open(&r, path, &err));
    assert_ok(ken_run_evaluated(r, 0, see, &none, &err));
    assert_true(none.n > 0);
    none = (seen){0};
    ken_run_free(r);
    assert_ok(ken_tuning_drop_evaluated(s, 10, -1, &err));
    assert_ok(ken_tuning_drop_after(s, 10, &err));
    assert_ok(ken_store_close(s, &err));
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_n_points(r), 2);
    check_point(r, 1, 10);
    assert_ok(ken_run_evaluated(r, 0, see, &none, &err));
    assert_int_equal(none.n, 0);
    ken_run_free(r);

    /* Not committed is not there. */
    s = open_store(path);
    assert_ok(put_point(s, 30));
    ken_run *before;
    assert_ok(ken_run_open(&before, path, &err));
    assert_int_equal(ken_run_n_points(before), 2);
    ken_run_free(before);
    assert_ok(ken_store_close(s, &err));
}

static void refused(void **state)
{
    (void)state;
    ken_store *s = open_store(in_folder("refused.ken"));
    ken_point p = point(1);
    p.seconds = NAN;
    assert_int_equal(ken_tuning_put_point(s, &p, &err), KEN_ESTATE);
    p = point(1);
    p.kl_base = INFINITY;
    assert_int_equal(ken_tuning_put_point(s, &p, &err), KEN_ESTATE);
    p = point(1);
    p.step = -1;
    assert_int_equal(ken_tuning_put_point(s, &p, &err), KEN_ESTATE);
    ken_measure m = measure("dev", "all", "", 1);
    assert_int_equal(ken_tuning_put_measure(s, 1, &m, &err), KEN_ESTATE);
    assert_non_null(strstr(err.msg, "no point"));
    p = point(1);
    assert_ok(ken_tuning_put_point(s, &p, &err));
    struct {
        void *at;
        uint64_t v;
    } counts[] = {{&m.hits, 1001},    {&m.hits_raw, 1001}, {&m.abstained, 7},
                  {&m.answered, 996}, {&m.n, UINT64_MAX},  {&m.more[1].hits, 1001}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        m = measure("dev", "all", "", 1);
        memcpy(counts[i].at, &counts[i].v, sizeof counts[i].v);
        assert_int_equal(ken_tuning_put_measure(s, 1, &m, &err), KEN_ESTATE);
    }
    m = measure("", "all", "", 1);
    assert_int_equal(ken_tuning_put_measure(s, 1, &m, &err), KEN_ESTATE);
    ken_trained t = trained_row(0);
    t.category = KEN_N_CATEGORIES + 1;
    assert_int_equal(ken_tuning_put_row(s, 0, &t, &err), KEN_ESTATE);
    ken_evaluated e = evaluated("dev", 1);
    e.p = 1.5;
    assert_int_equal(ken_tuning_put_evaluated(s, 1, 0, &e, &err), KEN_ESTATE);
    assert_ok(ken_store_commit(s, &err)); /* the store is as it was */
    assert_ok(ken_store_close(s, &err));
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db;
    char *msg = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    if (sqlite3_exec(db, text, NULL, NULL, &msg) != SQLITE_OK) fail_msg("%s: %s", text, msg);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int nothing(void *ctx, const ken_evaluated *e, ken_err *er)
{
    (void)er;
    *(size_t *)ctx += strlen(e->id);
    return KEN_OK;
}

static int read_all(const char *path)
{
    ken_run *r = NULL;
    bool *fitted = NULL, there;
    int rc = ken_run_open(&r, path, &err);
    if (rc == KEN_OK && (fitted = malloc(ken_run_n_trained(r) + 1)) == NULL) abort();
    for (size_t i = 0; rc == KEN_OK && i < ken_run_n_points(r); i++) {
        int64_t step = ken_run_point(r, i)->step;
        const ken_measure *m;
        size_t n, sum = 0;
        rc = ken_run_measures(r, step, &m, &n, &err);
        if (rc == KEN_OK) rc = ken_run_fit(r, step, fitted, &there, &err);
        if (rc == KEN_OK) rc = ken_run_evaluated(r, step, nothing, &sum, &err);
    }
    for (size_t i = 0; rc == KEN_OK && i < ken_run_n_trained(r) && i < 100; i++)
        if (ken_run_trained(r, i, &err) == NULL) rc = err.status;
    free(fitted);
    ken_run_free(r);
    return rc;
}

static void manipulated(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *word; /* NULL: fine */
    } cases[] = {
        {"UPDATE points SET step = -3 WHERE step = 0", "order"},
        {"UPDATE points SET epoch = 'x'", "epoch"},
        {"UPDATE points SET epoch = -1", "epoch"},
        {"UPDATE points SET seconds = 9e999", "time"},
        {"UPDATE points SET tokens = -1", "tokens"},
        {"UPDATE points SET best = 2", "mark"},
        {"UPDATE points SET loss = x'00'", "loss"},
        {"UPDATE points SET loss = 9e999", NULL}, /* a training that went astray says so */
        {"UPDATE measures SET hits = 1001", "hits"},
        {"UPDATE measures SET n = -1", "number of rows"},
        {"UPDATE measures SET answered = 9223372036854775807", "answers"},
        {"UPDATE measures SET set_name = x'00' WHERE set_name = 'dev'", "set"},
        {"UPDATE measures SET loss = 'much'", "loss"},
        {"UPDATE matched SET n = n + 2", "order of the matchers"},
        {"UPDATE matched SET hits = 1001", "hits"},
        {"UPDATE matched SET key = key || 'nobody'", "further matcher"},
        {"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10)"
         " INSERT INTO matched SELECT 0, 'dev', 'all', '', i, 'x', 0 FROM n",
         "further matcher"},
        {"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 70000)"
         " INSERT INTO measures SELECT 0, 'dev', 'relation', i, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM n",
         "number of measurements"},
        {"UPDATE fits SET n = 20", "fit at step"},
        {"UPDATE fits SET bits = x'00'", "fit at step"},
        {"UPDATE fits SET bits = CAST('xyz' AS TEXT)", "fit at step"},
        {"DELETE FROM fits", NULL},
        {"UPDATE trained SET place = 9223372036854775807 WHERE place = 20", "training rows"},
        {"DELETE FROM trained WHERE place = 3", "training data"},
        {"UPDATE trained SET category = 'Forgotten'", "category"},
        {"UPDATE trained SET weight = -1", "weight"},
        {"UPDATE evaluated SET hit = 2", "verdict"},
        {"UPDATE evaluated SET more = -1", "further verdicts"},
        {"UPDATE evaluated SET p = 2", "probability"},
        {"UPDATE evaluated SET place = -1 WHERE place = 0", "place"},
        {"UPDATE evaluated SET text = CAST(x'66ff66' AS TEXT)", "text"},
        {"DROP TABLE fits", "table \"fits\" is missing"},
        {"UPDATE settings SET value = 'dream' WHERE key = 'kind'", NULL},
    };
    const char *path = in_folder("manipulated.ken");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unlink(path);
        assert_ok(make(path));
        sql(path, cases[i].sql);
        int status = read_all(path);
        if (status != (cases[i].word == NULL ? KEN_OK : KEN_EINPUT))
            fail_msg("%s: status %d %s", cases[i].sql, status, err.msg);
        if (cases[i].word != NULL && strstr(err.msg, cases[i].word) == NULL)
            fail_msg("%s: no \"%s\" in: %s", cases[i].sql, cases[i].word, err.msg);
    }
}

static void damaged(void **state)
{
    (void)state;
    const char *whole = in_folder("whole.ken"), *path = in_folder("damaged.ken");
    assert_ok(make(whole));
    static char data[1 << 18];
    FILE *f = fopen(whole, "rb");
    assert_non_null(f);
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    assert_true(n > 20000 && n < sizeof data);
    srand(5);
    for (int i = 0; i < 400; i++) {
        size_t at = (size_t)rand() % n;
        if (i % 2 == 0) at = at / 4096 * 4096 + (size_t)rand() % 64;
        char old = data[at];
        data[at] = (char)rand();
        f = fopen(path, "wb");
        assert_non_null(f);
        assert_int_equal(fwrite(data, 1, n, f), n);
        fclose(f);
        read_all(path); /* whatever it says, it does not crash or hang */
        data[at] = old;
    }
}

/* A training of format 4 has no divergence from the base: it is read, and goes on without. */
static void format_without_divergences(void **state)
{
    (void)state;
    const char *path = in_folder("four.ken");
    ken_store *s = open_store(path);
    assert_ok(put_point(s, 0));
    assert_ok(ken_store_close(s, &err));
    sql(path, "DROP TABLE divergences; PRAGMA user_version = 4");
    s = open_store(path);
    assert_ok(put_point(s, 0));
    assert_ok(put_point(s, 20));
    assert_ok(ken_tuning_drop_after(s, 20, &err));
    assert_ok(ken_store_close(s, &err));
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_int_equal(ken_run_n_points(r), 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(isnan(ken_run_point(r, i)->kl_base) && ken_run_point(r, i)->kl_positions == 0);
    ken_run_free(r);
}

/* A run of format 1 is read as before; resuming it is refused, with what it does not record. */
static void older_format(void **state)
{
    (void)state;
    const char *path = in_folder("older.ken");
    ken_store *s;
    made_row made;
    assert_ok(ken_store_open(&s, path, test_settings, n_test_settings, &err));
    assert_ok(ken_store_put_row(s, 0, make_row(&made, 0), &err));
    assert_ok(ken_store_put_row(s, 1, make_row(&made, 1), &err));
    assert_ok(ken_store_close(s, &err));
    sql(path, "DROP TABLE points; DROP TABLE measures; DROP TABLE matched; DROP TABLE trained; DROP TABLE fits;"
              " DROP TABLE evaluated; DROP TABLE aliases; DROP TABLE identities; DROP TABLE shown; DROP TABLE changes;"
              " DELETE FROM settings WHERE key = 'temperature'; PRAGMA user_version = 1");
    assert_int_equal(ken_store_open(&s, path, test_settings, n_test_settings, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "format 1"));
    assert_non_null(strstr(err.msg, "nor temperature; it can be read"));
    ken_run *r;
    assert_ok(ken_run_open(&r, path, &err));
    assert_string_equal(ken_run_kind(r), "annotate");
    assert_int_equal(ken_run_count(r), 2);
    assert_null(ken_run_note(r, 0));
    const ken_row *row = ken_run_row(r, 1, &err);
    assert_non_null(row);
    assert_null(row->identity);
    assert_int_equal(row->n_aliases, 0);
    assert_int_equal(ken_run_n_points(r), 0);
    const ken_measure *m;
    size_t n;
    assert_ok(ken_run_measures(r, 0, &m, &n, &err));
    assert_int_equal(n, 0);
    ken_run_free(r);
}

static void memory(void **state)
{
    (void)state;
    const char *path = in_folder("memory.ken");
    assert_ok(make(path));
    long before = ken_alloc_count();
    assert_ok(make(path));
    assert_int_equal(read_all(path), KEN_OK);
    long n = ken_alloc_count() - before;
    assert_true(n > 20);
    for (long k = 1; k <= n; k++) {
        ken_alloc_fail_after(k);
        int rc = make(path);
        if (rc == KEN_OK) rc = read_all(path);
        ken_alloc_fail_after(0);
        if (rc != KEN_ENOMEM && rc != KEN_OK) fail_msg("allocation %ld of %ld: %d %s", k, n, rc, err.msg);
        if (k < n / 2) assert_int_equal(rc, KEN_ENOMEM);
    }
    assert_int_equal(read_all(path), KEN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(again),
        cmocka_unit_test(refused),
        cmocka_unit_test(manipulated),
        cmocka_unit_test(damaged),
        cmocka_unit_test(older_format),
        cmocka_unit_test(format_without_divergences),
        cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
