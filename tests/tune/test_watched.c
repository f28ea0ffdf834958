/* test_watched.c - what a training watches: under the published protocol every total of it (needs KEN_TEST_DATA), what sets share, draws
 * within relations, the answers that are kept, and what is said in the end. */
#include "folder.h"
#include "asked.h"
#include "base/file.h"
#include "ken.h"
#include "tune/watched.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL KEN_FIXTURES "/model/tiny-llama-tied"

static ken_model *model, *wide; /* wide: with room for all of EntityQuestions */

static int set_up(void **state)
{
    (void)state;
    ken_err err;
    if (ken_model_open(&model, MODEL, &err) != KEN_OK) fail_msg("%s", err.msg);
    if (ken_model_open(&wide, folder_model("wide", MODEL, 512), &err) != KEN_OK) fail_msg("%s", err.msg);
    return 0;
}

static int tear_down(void **state)
{
    ken_model_free(model);
    ken_model_free(wide);
    return folder_remove(state);
}

typedef struct asked {
    ken_train_options o;
    ken_train_data data;
    ken_data_options read;
} asked;

static asked *ask(const char *path)
{
    static asked room[4];
    static int used;
    asked *a = &room[used++ % 4];
    *a = (asked){ken_train_defaults(), ken_train_data_defaults(), ken_data_defaults()};
    a->data.path = path;
    a->data.read = &a->read;
    a->o.data = &a->data;
    a->o.threads = 1;
    return a;
}

static void opened(ken_training *t, const asked *a)
{
    ken_err err;
    if (ken_training_open(t, wide, &a->o, &err) != KEN_OK) fail_msg("%s", err.msg);
}

static void refused(const asked *a, int status, const char *part)
{
    ken_training t;
    ken_err err;
    assert_int_equal(ken_training_open(&t, wide, &a->o, &err), status);
    if (strstr(err.msg, part) == NULL) fail_msg("\"%s\" is not in: %s", part, err.msg);
    ken_training_close(&t);
}

static size_t rows_of(const ken_training *t, int set)
{
    return t->set[set] != NULL ? ken_tune_set_count(t->set[set]) : 0;
}

static void notes(const ken_training *t, const char *part)
{
    if (strstr(ken_buf_str(&t->notes), part) == NULL) fail_msg("\"%s\" is not in: %s", part, ken_buf_str(&t->notes));
}

static void notes_not(const ken_training *t, const char *part)
{
    if (strstr(ken_buf_str(&t->notes), part) != NULL) fail_msg("\"%s\" is in: %s", part, ken_buf_str(&t->notes));
}

/* ---- the protocol ----------------------------------------------------------------------------------------------------- */

static const char *entityquestions(void)
{
    static char path[4096];
    const char *data = getenv("KEN_TEST_DATA");
    if (data == NULL || data[0] == '\0') skip();
    snprintf(path, sizeof path, "%s/entityquestions/dataset", data);
    return path;
}

static void totals(const ken_training *t, size_t train, size_t dev, size_t test, size_t ood)
{
    assert_int_equal(rows_of(t, KEN_SET_TRAIN), train);
    assert_int_equal(rows_of(t, KEN_SET_DEV), dev);
    assert_int_equal(rows_of(t, KEN_SET_TEST), test);
    assert_int_equal(rows_of(t, KEN_SET_OOD), ood);
}

static size_t of_relation(const ken_training *t, int set, const char *relation)
{
    size_t n = 0;
    for (size_t i = 0; i < rows_of(t, set); i++) n += strcmp(ken_tune_set_row(t->set[set], i)->relation, relation) == 0;
    return n;
}

static void one_command(void **state)
{
    (void)state;
    const char *eq = entityquestions();
    ken_training t;
    asked *a = ask(eq);
    a->read.slick = true;
    opened(&t, a);
    totals(&t, 81700, 10461, 10481, 5848);
    assert_int_equal(of_relation(&t, KEN_SET_TEST, "P36"), 880);
    assert_int_equal(of_relation(&t, KEN_SET_OOD, "P407"), 623);
    assert_int_equal(of_relation(&t, KEN_SET_OOD, "P36"), 0);
    assert_int_equal(of_relation(&t, KEN_SET_DEV, "P127"), 0);
    notes(&t, "dev: ");
    char hash[3][65];
    for (int i = 0; i < 3; i++) snprintf(hash[i], sizeof hash[i], "%s", ken_tune_set_hash(t.set[i + 1]));
    ken_training_close(&t);
    a->o.dev = a->o.test = a->o.ood = eq; /* the same, said by name */
    opened(&t, a);
    for (int i = 0; i < 3; i++) assert_string_equal(ken_tune_set_hash(t.set[i + 1]), hash[i]);
    ken_training_close(&t);
    a->o.test = a->o.ood = NULL; /* who names one set watches that one */
    opened(&t, a);
    totals(&t, 81700, 10461, 0, 0);
    ken_training_close(&t);
}

static void named_relations(void **state)
{
    (void)state;
    ken_training t;
    asked *a = ask(entityquestions());
    a->read.slick = true;
    a->data.relations = LIST("P36", "P800");
    opened(&t, a);
    totals(&t, 6815 + 1356, of_relation(&t, KEN_SET_DEV, "P36") + of_relation(&t, KEN_SET_DEV, "P800"), 880 + 189,
           5848);
    assert_true(rows_of(&t, KEN_SET_DEV) > 900);
    notes(&t, "ood: the relations that were named are trained on; all 7");
    ken_training_close(&t);
    a->data.relations = LIST("P36", "P407");
    opened(&t, a);
    totals(&t, 6815, of_relation(&t, KEN_SET_DEV, "P36"), 880, 623);
    ken_training_close(&t);
    a = ask(entityquestions()); /* without the protocol the same */
    a->o.dev = entityquestions();
    a->data.relations = LIST("P36");
    opened(&t, a);
    assert_int_equal(of_relation(&t, KEN_SET_DEV, "P36"), rows_of(&t, KEN_SET_DEV));
    ken_training_close(&t);
}

static void a_selected_set(void **state)
{
    (void)state;
    static const char rows[] =
        "{\"id\":\"a\",\"relation\":\"P36\",\"question\":\"What is the capital of Aldova?\",\"answer\":\"Merin\"}\n"
        "{\"id\":\"b\",\"relation\":\"P17\",\"question\":\"Which country is Merin located "
        "in?\",\"answer\":\"Aldova\"}\n";
    ken_training t;
    asked *a = ask(folder_file("set.jsonl", rows));
    a->read.slick = true;
    a->o.dev = a->o.test = a->o.ood = entityquestions();
    opened(&t, a);
    totals(&t, 2, 10461, 10481, 5848);
    notes(&t, "train: the slick protocol is for EntityQuestions");
    ken_training_close(&t);
    a->o.dev = a->o.test = a->o.ood = NULL;
    refused(a, KEN_EUSAGE, "the slick protocol is for EntityQuestions");
}

/* Without the protocol one folder has one test split. */
static void test_is_not_ood(void **state)
{
    (void)state;
    asked *a = ask(folder_file("few.jsonl", "{\"question\":\"Who?\",\"answer\":\"I\"}\n"));
    a->o.test = a->o.ood = entityquestions();
    refused(a, KEN_EINPUT, "rows are test rows too");
}

/* ---- what sets share -------------------------------------------------------------------------------------------------- */

static const char train_rows[] =
    "{\"id\":\"1\",\"relation\":\"R\",\"question\":\"Who is A?\",\"answer\":\"x\",\"subject\":\"A\"}\n"
    "{\"id\":\"2\",\"relation\":\"R\",\"question\":\"Who is B?\",\"answers\":[\"y\",\"z\"],\"subject\":\"B\"}\n"
    "{\"id\":\"3\",\"relation\":\"S\",\"question\":\"Who is it?\",\"answer\":\"x\",\"subject\":\"C\"}\n";

static void shared_rows(void **state)
{
    (void)state;
    ken_training t;
    asked *a = ask(folder_file("train.jsonl", train_rows));
    a->o.dev =
        folder_file("dev.jsonl", "{\"id\":\"d1\",\"question\":\"Who is B?\",\"answer\":\"z\"}\n"
                                 "{\"id\":\"d2\",\"question\":\"Who is A?\",\"answer\":\"y\"}\n"
                                 "{\"id\":\"d3\",\"question\":\"Where is A?\",\"answer\":\"y\",\"subject\":\"A\"}\n"
                                 "{\"id\":\"d4\",\"question\":\"Who is it?\",\"answer\":\"x\",\"subject\":\"D\"}\n");
    a->o.test =
        folder_file("test.jsonl", "{\"id\":\"t1\",\"question\":\"Who is it?\",\"answer\":\"x\",\"subject\":\"D\"}\n"
                                  "{\"id\":\"t2\",\"question\":\"New?\",\"answer\":\"x\"}\n");
    opened(&t, a);
    notes(&t, "dev: 1 of its 4 rows is trained on too (the same question and answer), d1 first");
    notes(&t, "dev: 1 of its 4 questions is trained on with another answer");
    notes(&t, "dev: 1 of its 4 rows ask something else about a subject that is trained on");
    notes(&t, "test: 1 of its 2 rows is a dev row too");
    notes_not(&t, "test: 1 of its 2 rows is trained on");
    ken_training_close(&t);
    a->o.test = folder_file("same.jsonl", "{\"id\":\"s1\",\"question\":\"Who is A?\",\"answer\":\"x\"}\n");
    refused(a, KEN_EINPUT, "all 1 of its rows are trained on");
    a->o.test = folder_file("id.jsonl", "{\"id\":\"1\",\"question\":\"Who is A?\",\"answer\":\"x\"}\n"
                                        "{\"id\":\"2\",\"question\":\"Who?\",\"answer\":\"x\"}\n");
    refused(a, KEN_EINPUT, "1 of its 2 rows are trained on, 1 first");
    a->o.test = a->o.ood = folder_path("test.jsonl");
    refused(a, KEN_EINPUT, "`ood`");
}

static void relations_of_watched_rows(void **state)
{
    (void)state;
    ken_training t;
    asked *a = ask(folder_file("train.jsonl", train_rows));
    a->data.relations = LIST("S");
    a->o.dev = folder_file("dev2.jsonl", "{\"id\":\"d1\",\"relation\":\"R\",\"question\":\"1?\",\"answer\":\"z\"}\n"
                                         "{\"id\":\"d2\",\"relation\":\"S\",\"question\":\"2?\",\"answer\":\"z\"}\n");
    a->o.ood = folder_file("ood.jsonl", "{\"id\":\"o1\",\"relation\":\"T\",\"question\":\"3?\",\"answer\":\"z\"}\n");
    opened(&t, a);
    totals(&t, 1, 1, 0, 1);
    assert_string_equal(ken_tune_set_row(t.set[KEN_SET_DEV], 0)->id, "d2");
    notes(&t, "ood: all its relations are watched");
    ken_training_close(&t);
    a->o.dev = folder_path("ood.jsonl");
    a->o.ood = NULL;
    refused(a, KEN_EUSAGE, "none is in the splits and the relations");
}

/* ---- a training ------------------------------------------------------------------------------------------------------- */

static const char *many(const char *name, const char *prefix, int n)
{
    static const char *const colour[] = {"red", "blue", "green", "gold"};
    static char text[16384];
    size_t at = 0;
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, sizeof text - at,
                               "{\"id\":\"%s%d\",\"relation\":\"R%d\",\"question\":\"%s %d?\",\"answer\":\"%s\"}\n",
                               prefix, i, i % 10 < 3 ? 0 : 1, prefix, i, colour[i % 4]);
    return folder_file(name, text);
}

typedef struct steps {
    int n;
    double loss;
    uint64_t tokens;
} steps;

static void see_step(void *ctx, const ken_train_step *s)
{
    steps *x = ctx;
    assert_int_equal(s->step, ++x->n);
    assert_true(isfinite(s->loss) && s->lr >= 0 && isnan(s->kl) && s->grad_norm > 0 && s->tokens > x->tokens);
    x->loss += s->loss * (double)(s->tokens - x->tokens);
    x->tokens = s->tokens;
}

static char kept_id[2][64][16];
static int n_kept[2];

static int keep_id(void *ctx, const ken_evaluated *e, ken_err *err)
{
    (void)err;
    const int which = *(int *)ctx;
    if (strcmp(e->set, "dev") == 0) snprintf(kept_id[which][n_kept[which]++], 16, "%s", e->id);
    return KEN_OK;
}

static ken_run *trained(const asked *a, const char *name)
{
    ken_err err;
    ken_run *r;
    char path[4200];
    snprintf(path, sizeof path, "%s", folder_path(name));
    if (ken_train(model, &a->o, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    strcat(path, "/train.ken");
    if (ken_run_open(&r, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    return r;
}

static void what_a_training_keeps(void **state)
{
    (void)state;
    asked *a = ask(many("rows.jsonl", "Colour", 12));
    steps s = {0};
    a->o.dev = many("dev.jsonl", "Paint", 40);
    a->o.test = many("test.jsonl", "Hue", 10);
    a->o.epochs = 3;
    a->o.batch = 6;
    a->o.lr = 1e-2;
    a->o.eval_limit = 20;
    a->o.step = see_step;
    a->o.ctx = &s;
    ken_run *r = trained(a, "kept");
    assert_int_equal(s.n, 6);
    const ken_point *best = NULL, *last = NULL, *p;
    double loss = 0;
    uint64_t before = 0;
    for (size_t i = 0; (p = ken_run_point(r, i)) != NULL; i++) {
        if (p->best) best = p;
        if (p->last) last = p;
        assert_true(p->kl_positions > 40 && (i == 0 ? p->kl_base == 0 : p->kl_base > 0));
        if (i > 0) loss += p->loss * (double)(p->tokens - before);
        before = p->tokens;
    }
    assert_true(before == s.tokens && fabs(loss - s.loss) < 1e-9 * loss);
    assert_true(best != NULL && last != NULL && best->step == 2 &&
                last->step == 6); /* nothing is right: the first is */
    for (int k = 0; k < 2; k++) {
        n_kept[k] = 0;
        assert_int_equal(ken_run_evaluated(r, k == 0 ? best->step : last->step, keep_id, &k, NULL), KEN_OK);
        assert_int_equal(n_kept[k], 20);
    }
    assert_memory_equal(kept_id[0], kept_id[1], sizeof kept_id[0]);
    int of_first = 0, spaced = 0; /* three tenths of the rows, and of those drawn */
    for (int i = 0; i < 20; i++) {
        const int at = atoi(kept_id[0][i] + 5);
        of_first += at % 10 < 3;
        spaced += at == 2 * i;
    }
    assert_int_equal(of_first, 6);
    assert_true(spaced < 15);
    /* Another seed of the training asks the same rows, another one of the draw does not. */
    char drawn[64][16];
    memcpy(drawn, kept_id[0], sizeof drawn);
    for (int k = 0; k < 2; k++) {
        a->o.seed = 5;
        a->o.eval_seed = (uint64_t)k;
        a->o.step = NULL;
        ken_run *other = trained(a, k == 0 ? "seed" : "draw");
        int zero = 0;
        n_kept[0] = 0;
        assert_int_equal(ken_run_evaluated(other, last->step, keep_id, &zero, NULL), KEN_OK);
        assert_int_equal(memcmp(drawn, kept_id[0], 20 * sizeof drawn[0]) == 0, k == 0);
        assert_string_equal(ken_run_setting(other, "eval_seed"), k == 0 ? "0" : "1");
        ken_run_free(other);
    }
    ken_convergence c;
    bool never[12];
    ken_never_fitted f;
    assert_int_equal(ken_run_convergence(r, &c, NULL), KEN_OK);
    assert_true(!c.converged && c.asked == 12 && c.step == 6 && isnan(c.first_epoch));
    assert_int_equal(ken_run_never_fitted(r, never, &f, NULL), KEN_OK);
    assert_true(f.points == 3 && f.of == 12 && f.rows >= 12 - c.fitted - 3);
    /* Best against last. */
    ken_diff *d;
    ken_diff_options how = ken_diff_defaults();
    how.answers_a = KEN_ANSWERS_BEST;
    assert_int_equal(ken_diff_runs(&d, r, r, &how, NULL), KEN_OK);
    assert_int_equal(ken_diff_count(d), 30);
    assert_int_equal(ken_diff_find(d, "split", "test")->n, 10);
    ken_diff_free(d);
    ken_run_free(r);
}

/* Fitted in the end: it has converged, and every row was fitted once. */
static void a_training_that_converges(void **state)
{
    (void)state;
    asked *a = ask(many("four.jsonl", "Colour", 4));
    a->o.epochs = 60;
    a->o.eval_every = 20;
    a->o.lr = 1e-2;
    a->o.dropout = 0;
    ken_run *r = trained(a, "converged");
    ken_convergence c;
    ken_never_fitted f;
    bool never[4];
    ken_err err;
    assert_int_equal(ken_run_convergence(r, &c, NULL), KEN_OK);
    assert_true(c.converged && c.fitted == 4 && c.first_epoch <= c.epoch);
    assert_int_equal(ken_run_never_fitted(r, never, &f, NULL), KEN_OK);
    assert_true(f.rows == 0 && f.of == 4 && !never[0]);
    ken_diff *d;
    ken_diff_options how = ken_diff_defaults();
    how.answers_a = KEN_ANSWERS_BEST;
    assert_int_equal(ken_diff_runs(&d, r, r, &how, &err), KEN_EINPUT);
    assert_non_null(strstr(err.msg, "no answers of its best point"));
    ken_run_free(r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest published[] = {
        cmocka_unit_test(one_command),
        cmocka_unit_test(named_relations),
        cmocka_unit_test(a_selected_set),
        cmocka_unit_test(test_is_not_ood),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_rows),
        cmocka_unit_test(relations_of_watched_rows),
        cmocka_unit_test(what_a_training_keeps),
        cmocka_unit_test(a_training_that_converges),
    };
    if (argc > 1 && strcmp(argv[1], "published") == 0)
        return cmocka_run_group_tests_name("published data", published, set_up, tear_down);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
