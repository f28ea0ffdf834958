/* test_world.c - the synthetic world: what is said of it, what its files hold, and that a stopped pretraining ends in the bits of an undisturbed one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "ken.h"
#include "lab/world_files.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ken_world_options small(void)
{
    ken_world_options o = ken_world_defaults();
    o.subjects = 60;
    o.answers = 5;
    o.sentences = 900;
    return o;
}

static ken_world *make(const ken_world_options *o)
{
    ken_world *w = NULL;
    ken_err err = {0};
    if (ken_world_check(o, &err) != KEN_OK || ken_world_new(&w, o, &err) != KEN_OK) fail_msg("%s", err.msg);
    return w;
}

/* ---- words ---------------------------------------------------------------------------------------------------------------- */

static bool has_word(const char *text, const char *word, size_t n)
{
    for (const char *p = text; *p != '\0';) {
        size_t m = strcspn(p, " ");
        if (m == n && strncasecmp(p, word, n) == 0) return true;
        p += m + (p[m] != '\0');
    }
    return false;
}

static void test_sentences_and_questions(void **state)
{
    (void)state;
    for (int r = 0; r < KEN_WORLD_RELATIONS; r++) {
        const ken_world_relation *x = &ken_world_relations[r];
        for (int k = 0; k < KEN_WORLD_PHRASES; k++) {
            const char *s = x->sentence[k], *mark = strstr(s, "{s}");
            assert_non_null(mark);
            assert_true(mark > s && mark[-1] == ' ' && mark[3] == ' '); /* not first, not last */
            assert_null(strstr(mark + 3, "{s}"));
            assert_true(isalpha((unsigned char)s[strlen(s) - 1])); /* an answer follows */
        }
        char question[200];
        const char *mark = strstr(x->question, "{s}");
        assert_non_null(mark);
        assert_true(mark > x->question && x->question[strlen(x->question) - 1] == '?');
        snprintf(question, sizeof question, "%.*s%.*s", (int)(mark - x->question), x->question, (int)(strlen(mark) - 4),
                 mark + 3);
        for (const char *p = question; *p != '\0';) { /* no cue of the question format is known from the corpus */
            const size_t n = strcspn(p, " ");
            for (int q = 0; q < KEN_WORLD_RELATIONS && n > 0; q++)
                for (int k = 0; k < KEN_WORLD_PHRASES; k++)
                    if (has_word(ken_world_relations[q].sentence[k], p, n))
                        fail_msg("\"%.*s\" is in \"%s\"", (int)n, p, ken_world_relations[q].sentence[k]);
            p += n + (p[n] != '\0');
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    ken_strmap *seen = ken_strmap_new(100000);
    ken_arena arena = {0};
    for (int kind = 0; kind < KEN_NAME_ANSWER + KEN_WORLD_RELATIONS; kind++)
        for (uint32_t i = 0; i < 7000; i++) {
            char name[KEN_WORLD_NAME];
            ken_world_name(kind, i * 73 % KEN_WORLD_NAMES, name);
            assert_true(isupper((unsigned char)name[0]) && strlen(name) == 7);
            const char *own = ken_arena_strdup(&arena, name);
            assert_int_equal(ken_strmap_add(seen, own, 7, 1), 1);
        }
    ken_arena_free(&arena);
    ken_strmap_free(seen);
}

/* ---- exposures ------------------------------------------------------------------------------------------------------------ */

static void test_exposures(void **state)
{
    (void)state;
    ken_world_options o = small();
    ken_world *w = make(&o), *again = make(&o);
    size_t sum = 0, head = 0, tail = 0;
    uint32_t counted[300] = {0};
    assert_int_equal(w->n_facts, 300);
    assert_memory_equal(w->said, again->said, 900 * sizeof *w->said);
    for (size_t i = 0; i < 900; i++) counted[w->said[i] / 8]++;
    for (size_t f = 0; f < 300; f++) {
        assert_int_equal(counted[f], w->fact[f].exposures);
        assert_true(w->fact[f].exposures >= 1); /* the floor */
        assert_true(__builtin_popcount(w->fact[f].paraphrases) <= (int)w->fact[f].exposures);
        sum += w->fact[f].exposures;
        if (f < 50) head += w->fact[f].exposures;
        if (f >= 250) tail += w->fact[f].exposures;
    }
    assert_int_equal(sum, 900);
    assert_true(head > 3 * tail);
    ken_world_free(again);
    o.seed = 2;
    again = make(&o);
    assert_memory_not_equal(w->said, again->said, 900 * sizeof *w->said);
    ken_world_free(again);
    ken_world_free(w);

    o.paraphrases = 2;
    o.floor = false;
    w = make(&o);
    size_t untold = 0;
    for (size_t f = 0; f < 300; f++) {
        assert_true(__builtin_popcount(w->fact[f].paraphrases) <= 2);
        untold += w->fact[f].exposures == 0;
    }
    assert_true(untold > 0);
    ken_world_free(w);
}

static void test_names_are_shared_or_not(void **state)
{
    (void)state;
    for (int unique = 0; unique < 2; unique++) {
        ken_world_options o = small();
        o.unique_names = unique != 0;
        ken_world *w = make(&o);
        size_t shared = 0;
        for (int a = 0; a < o.subjects; a++)
            for (int b = 0; b < a; b++) {
                assert_false(w->given[a] == w->given[b] && w->family[a] == w->family[b]);
                shared += w->given[a] == w->given[b] || w->family[a] == w->family[b];
            }
        assert_true(unique ? shared == 0 : shared > 50);
        ken_world_free(w);
    }
}

static void test_groups(void **state)
{
    (void)state;
    ken_world_options o = small();
    o.asked = 1.0 / 3;
    o.unasked_relations = 1;
    ken_world *w = make(&o);
    size_t n[KEN_N_WORLD_SPLITS] = {0};
    for (int s = 0; s < 60; s++)
        for (int r = 0; r < 5; r++) {
            const int split = w->split[s * 5 + r];
            n[split]++;
            assert_true(r == 4 ? split == KEN_WORLD_OOD : split == w->split[s * 5]); /* a subject is in one split */
        }
    assert_int_equal(n[KEN_WORLD_OOD], 60);
    assert_int_equal(n[KEN_WORLD_ASKED], 80);
    assert_int_equal(n[KEN_WORLD_TRAIN], 80);
    assert_int_equal(n[KEN_WORLD_TEST], 40);
    assert_int_equal(n[KEN_WORLD_DEV], 40);
    assert_int_equal(w->n_asked, 80);
    assert_int_equal(ken_world_documents(w), 180);
    assert_int_equal(ken_world_rows(w), 180 + 4 * 80);
    ken_world_free(w);
}

static void test_when(void **state)
{
    (void)state;
    ken_world_options o = small();
    ken_world *w = make(&o);
    ken_err err = {0};
    assert_int_equal(ken_world_trace(w, 16, 2, o.seed, &err), KEN_OK);
    const int64_t updates = 2 * ((180 + 15) / 16);
    int64_t earliest = INT64_MAX, latest = 0;
    for (size_t f = 0; f < w->n_facts; f++) {
        const ken_world_fact *x = &w->fact[f];
        assert_true(x->first >= 1 && x->first < x->last && x->last <= updates); /* twice seen, with two passes */
        assert_true(x->first <= updates / 2 && x->last > updates / 2);
        if (x->first < earliest) earliest = x->first;
        if (x->last > latest) latest = x->last;
    }
    assert_int_equal(earliest, 1);
    assert_int_equal(latest, updates);
    ken_world_free(w);
}

static void test_vocabulary(void **state)
{
    (void)state;
    ken_world_options o = small();
    ken_world *w = make(&o);
    ken_vocabulary v;
    ken_tokenizer *t;
    ken_err err = {0};
    assert_int_equal(ken_world_vocabulary(&v, w, &err), KEN_OK);
    assert_int_equal(ken_tokenizer_new(&t, ken_vocabulary_spec(&v), &err), KEN_OK);
    for (size_t f = 0; f < w->n_facts; f++) {
        ken_buf b = {0};
        int32_t *ids = NULL;
        size_t n = 0, cap = 0, words = 2; /* the line end and the answer */
        ken_world_put_sentence(&b, w, f, (int)(f % 8));
        for (size_t i = 0; i < b.len; i++) words += b.data[i] == ' ';
        ken_buf_putc(&b, '\n');
        ken_world_put_answer(&b, w, f);
        assert_int_equal(ken_tokenizer_encode(t, b.data, b.len, 0, &ids, &n, &cap, &err), KEN_OK);
        assert_int_equal(n, words + 1); /* one token a word */
        size_t at = 0;
        for (size_t i = 0; i < n; i++) {
            const ken_str s = ken_tokenizer_bytes(t, ids[i]);
            assert_memory_equal(b.data + at, s.p, s.n);
            at += s.n;
        }
        assert_int_equal(at, b.len);
        ken_free(ids);
        ken_buf_free(&b);
    }
    ken_tokenizer_free(t);
    ken_vocabulary_free(&v);
    ken_world_free(w);
}

/* ---- refused -------------------------------------------------------------------------------------------------------------- */

static void refuse(const ken_world_options *o, const char *dir, int status, const char *part)
{
    ken_world_made made;
    ken_err err = {0};
    assert_int_equal(ken_world_run(o, dir, &made, &err), status);
    if (strstr(err.msg, part) == NULL) fail_msg("\"%s\" should hold \"%s\"", err.msg, part);
}

static void test_refused(void **state)
{
    (void)state;
    ken_world_options o;
#define REFUSE(change, part) (o = small(), change, refuse(&o, "/nowhere/at/all", KEN_EUSAGE, part))
    REFUSE(o.subjects = 0, "`subjects`");
    REFUSE(o.subjects = 20001, "`subjects`");
    REFUSE(o.relations = 11, "`relations`");
    REFUSE(o.answers = 1, "`answers`");
    REFUSE(o.alpha = (double)NAN, "`alpha`");
    REFUSE(o.alpha = -1, "`alpha`");
    REFUSE(o.sentences = 100, "cannot tell each of 300 facts once");
    REFUSE(o.sentences = INT64_MAX, "`sentences`");
    REFUSE(o.paraphrases = 9, "`paraphrases`");
    REFUSE(o.asked = 0.95, "`asked`");
    REFUSE(o.unasked_relations = 5, "`unasked_relations`");
    REFUSE(o.width = 130, "`width` 130 is no multiple of `heads` 4");
    REFUSE(o.layers = 0, "`layers`");
    REFUSE(o.width = 1 << 20, "`width`");
    REFUSE(o.heads = 0, "`heads`");
    REFUSE(o.epochs = 0, "`epochs`");
    REFUSE(o.batch = 0, "`batch`");
    REFUSE(o.lr = (double)NAN, "`lr`");
#undef REFUSE
}

/* ---- the whole ------------------------------------------------------------------------------------------------------------ */

typedef struct scratch {
    char dir[64], world[80];
} scratch;

static int set_up(void **state)
{
    scratch *s = calloc(1, sizeof *s);
    snprintf(s->dir, sizeof s->dir, "/tmp/ken-world-XXXXXX");
    if (mkdtemp(s->dir) == NULL) return -1;
    snprintf(s->world, sizeof s->world, "%s/w", s->dir);
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    scratch *s = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
    int rc = system(command); /* NOLINT(cert-env33-c): a name that we made */
    free(s);
    return rc;
}

static ken_world_options tiny(void)
{
    ken_world_options o = small();
    o.layers = 2;
    o.width = 32;
    o.inner = 64;
    o.batch = 8;
    o.threads = 1;
    return o;
}

static void hash_of(const char *dir, const char *name, char hex[65])
{
    ken_map map = {0};
    ken_err err = {0};
    char *path = ken_path_join(dir, name);
    if (ken_map_file(&map, path, &err) != KEN_OK) fail_msg("%s", err.msg);
    assert_int_equal(ken_sha256_of(map.data, map.size, hex), 0);
    ken_unmap(&map);
    ken_free(path);
}

static void run(const ken_world_options *o, const char *dir, ken_world_made *made)
{
    ken_err err = {0};
    if (ken_world_run(o, dir, made, &err) != KEN_OK) fail_msg("%s", err.msg);
}

static const char *const files[] = {"corpus.jsonl",
                                    "init/model.safetensors",
                                    "model/model.safetensors",
                                    "data/train.jsonl",
                                    "data/dev.jsonl",
                                    "data/test.jsonl",
                                    "truth.jsonl",
                                    "asked.jsonl"};
enum { N_FILES = sizeof files / sizeof *files };

static void test_whole(void **state)
{
    scratch *s = *state;
    ken_world_options o = tiny();
    ken_world_made made;
    char first[N_FILES][65], again[65], hex[65];
    o.asked = 0.2;
    run(&o, s->world, &made);
    assert_int_equal(made.facts, 300);
    assert_int_equal(made.updates, (180 + 4 * 60 + 7) / 8);
    assert_true(made.loss > 0 && made.parameters > 10000);
    for (int i = 0; i < N_FILES; i++) hash_of(s->world, files[i], first[i]);

    /* The model and the facts are what every other verb takes. */
    ken_model *m;
    ken_data *d;
    ken_err err = {0};
    char *model = ken_path_join(s->world, "model"), *data = ken_path_join(s->world, "data");
    if (ken_model_open(&m, model, &err) != KEN_OK || ken_data_open(&d, data, NULL, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(ken_data_count(d), made.split[0] + made.split[1] + made.split[2]);
    assert_int_equal(ken_data_count(d), 240);
    assert_true(ken_data_get(d, 0)->popularity >= 1);
    ken_data_free(d);
    ken_model_free(m);

    run(&o, s->world, &made); /* nothing is left to do */
    for (int i = 0; i < N_FILES; i++) {
        hash_of(s->world, files[i], again);
        assert_string_equal(first[i], again);
    }
    o.alpha = 0.5;
    refuse(&o, s->world, KEN_EINPUT, "\"alpha\": 1, there");
    o.alpha = 1;
    refuse(&o, s->dir, KEN_EINPUT, "is not empty (w)");
    refuse(&o, data, KEN_EINPUT, "is not empty");
    char *file = ken_path_join(s->world, "world.json");
    refuse(&o, file, KEN_EINPUT, "not a folder");
    ken_free(file);

    /* With one more thread, and with another seed. */
    char other[96];
    o.threads = 2;
    snprintf(other, sizeof other, "%s/two", s->dir);
    run(&o, other, &made);
    hash_of(other, files[2], hex);
    assert_string_equal(hex, first[2]);
    o.seed = 2;
    snprintf(other, sizeof other, "%s/seed", s->dir);
    run(&o, other, &made);
    hash_of(other, files[2], hex);
    assert_string_not_equal(hex, first[2]);
    ken_free(model);
    ken_free(data);
}

typedef struct stopper {
    int left;
} stopper;

static int stop(void *ctx) { return --((stopper *)ctx)->left < 0; }

static void test_stopped(void **state)
{
    scratch *s = *state;
    ken_world_options o = tiny();
    ken_world_made made;
    ken_err err = {0};
    char want[65], got[65], other[96];
    run(&o, s->world, &made);
    hash_of(s->world, files[2], want);
    o.poll = stop;
    for (int at = 0; at < 400; at += 41) {
        snprintf(other, sizeof other, "%s/at%d", s->dir, at);
        stopper st = {at};
        o.ctx = &st;
        int rc, calls = 0;
        while ((rc = ken_world_run(&o, other, &made, &err)) == KEN_ESTOP && calls++ < 200) st.left = at + 13 * calls;
        if (rc != KEN_OK) fail_msg("%s", err.msg);
        hash_of(other, files[2], got);
        assert_string_equal(got, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sentences_and_questions),
                                       cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_exposures),
                                       cmocka_unit_test(test_names_are_shared_or_not),
                                       cmocka_unit_test(test_groups),
                                       cmocka_unit_test(test_when),
                                       cmocka_unit_test(test_vocabulary),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test_setup_teardown(test_whole, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(test_stopped, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
