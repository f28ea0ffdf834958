/* world_files.c - see world_files.h. Names are ASCII letters, so that JSON needs no escapes but those of line ends. */
#include "lab/world_files.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/out.h"
#include "data/prompts.h"
#include "tune/order.h"
#include <inttypes.h>
#include <string.h>

size_t ken_world_documents(const ken_world *w)
{
    const size_t n = (size_t)w->o->sentences, per = (size_t)w->o->per_document;
    return (n + per - 1) / per;
}

size_t ken_world_rows(const ken_world *w) { return ken_world_documents(w) + w->n_asked * (size_t)w->o->asked_repeats; }

/* ---- vocabulary -------------------------------------------------------------------------------------------------------- */

/* The words of a text; names in the place of "{s}" are added by themselves. */
static int add_words(ken_vocabulary *v, const char *text, ken_err *err)
{
    ken_buf b = {0};
    for (const char *p = text; *p != '\0';) {
        const char *mark = strchr(p, '{');
        ken_buf_add(&b, p, mark == NULL ? strlen(p) : (size_t)(mark - p));
        p = mark == NULL ? p + strlen(p) : strchr(mark, '}') + 1;
    }
    int rc = b.failed ? ken_fail_nomem(err, "a vocabulary") : ken_vocabulary_add(v, ken_buf_str(&b), err);
    ken_buf_free(&b);
    return rc;
}

/* Names stand behind a space, answers at the start of a line. */
static int add_names(ken_vocabulary *v, const ken_world *w, ken_err *err)
{
    ken_buf b = {0};
    int rc = KEN_OK;
    for (size_t s = 0; s < (size_t)w->o->subjects && rc == KEN_OK; s++) {
        ken_buf_clear(&b);
        ken_buf_puts(&b, "A ");
        ken_world_put_subject(&b, w, s);
        rc = b.failed ? ken_fail_nomem(err, "a vocabulary") : ken_vocabulary_add(v, ken_buf_str(&b), err);
    }
    for (size_t f = 0; f < w->n_facts && rc == KEN_OK; f++) {
        ken_buf_clear(&b);
        ken_world_put_answer(&b, w, f);
        rc = b.failed ? ken_fail_nomem(err, "a vocabulary") : ken_vocabulary_add(v, ken_buf_str(&b), err);
    }
    ken_buf_free(&b);
    return rc;
}

int ken_world_vocabulary(ken_vocabulary *v, const ken_world *w, ken_err *err)
{
    int rc = ken_vocabulary_begin(v, err);
    if (rc == KEN_OK) rc = add_words(v, KEN_ZERO_SHOT_TEMPLATE, err);
    for (int r = 0; r < w->o->relations && rc == KEN_OK; r++) {
        for (int k = 0; k < KEN_WORLD_PHRASES && rc == KEN_OK; k++)
            rc = add_words(v, ken_world_relations[r].sentence[k], err);
        if (rc == KEN_OK) rc = add_words(v, ken_world_relations[r].question, err);
    }
    return rc == KEN_OK ? add_names(v, w, err) : rc;
}

/* ---- corpus -------------------------------------------------------------------------------------------------------------- */

static void put_document(ken_buf *b, const ken_world *w, size_t document)
{
    const size_t per = (size_t)w->o->per_document, first = document * per;
    for (size_t i = first; i < first + per && i < (size_t)w->o->sentences; i++) {
        const size_t fact = w->said[i] / KEN_WORLD_PHRASES;
        if (i > first) ken_buf_puts(b, "\\n");
        ken_world_put_sentence(b, w, fact, (int)(w->said[i] % KEN_WORLD_PHRASES));
        ken_buf_puts(b, "\\n");
        ken_world_put_answer(b, w, fact);
    }
}

static void put_asked(ken_buf *b, const ken_world *w, size_t fact)
{
    const char *mark = strstr(KEN_ZERO_SHOT_TEMPLATE, "{question}");
    for (const char *p = KEN_ZERO_SHOT_TEMPLATE; *p != '\0';) {
        if (p == mark) {
            ken_world_put_question(b, w, fact);
            p += strlen("{question}");
        } else if (*p == '\n') ken_buf_puts(b, "\\n"), p++;
        else ken_buf_putc(b, *p++);
    }
    ken_buf_puts(b, "\", \"completion\": \"");
    ken_world_put_answer(b, w, fact);
}

static bool is_asked(const ken_world *w, size_t fact) { return w->split[fact] == KEN_WORLD_ASKED; }

int ken_world_write_corpus(const ken_world *w, const char *path, ken_err *err)
{
    ken_out *o = NULL;
    ken_buf b = {0};
    int rc = ken_out_open(&o, path, err);
    if (rc != KEN_OK) return rc;
    for (size_t d = 0; d < ken_world_documents(w); d++) {
        ken_buf_clear(&b);
        put_document(&b, w, d);
        const size_t word = strcspn(ken_buf_str(&b), " ");
        ken_out_printf(o, "{\"id\": \"document/%zu\", \"prompt\": \"%.*s\", \"completion\": \"", d, (int)word,
                       ken_buf_str(&b));
        ken_out_add(o, b.data + word, b.len - word);
        ken_out_puts(o, "\"}\n");
    }
    for (int k = 0; k < w->o->asked_repeats && w->n_asked > 0; k++)
        for (size_t f = 0; f < w->n_facts; f++) {
            if (!is_asked(w, f)) continue;
            ken_buf_clear(&b);
            put_asked(&b, w, f);
            ken_out_printf(o, "{\"id\": \"asked/%d/%zu\", \"prompt\": \"", k, f);
            ken_out_add(o, b.data, b.len);
            ken_out_puts(o, "\"}\n");
        }
    const bool whole = !b.failed;
    ken_buf_free(&b);
    rc = ken_out_close(o, whole, err);
    return whole ? rc : ken_fail_nomem(err, "a corpus");
}

/* ---- when ------------------------------------------------------------------------------------------------------------------ */

static void see(ken_world *w, size_t row, int64_t update)
{
    const size_t per = (size_t)w->o->per_document;
    for (size_t i = row * per; i < (row + 1) * per && i < (size_t)w->o->sentences; i++) {
        ken_world_fact *f = &w->fact[w->said[i] / KEN_WORLD_PHRASES];
        if (f->first == 0) f->first = update;
        f->last = update;
    }
}

int ken_world_trace(ken_world *w, size_t batch, int epochs, uint64_t seed, ken_err *err)
{
    const ken_order_part part = {.rows = ken_world_rows(w), .weight = 1};
    const ken_order_options how = {.part = &part, .n_parts = 1, .batch = batch, .seed = seed};
    ken_order *order;
    int rc = ken_order_new(&order, &how, err);
    if (rc != KEN_OK) return rc;
    const size_t documents = ken_world_documents(w);
    int64_t update = 0;
    for (size_t f = 0; f < w->n_facts; f++) w->fact[f].first = w->fact[f].last = 0;
    for (int e = 0; e < epochs; e++)
        for (size_t b = 0; b < ken_order_batches(order); b++) {
            const size_t *row, n = ken_order_batch(order, e, b, &row);
            update++;
            for (size_t i = 0; i < n; i++)
                if (row[i] < documents) see(w, row[i], update);
        }
    ken_order_free(order);
    return KEN_OK;
}

/* ---- facts ------------------------------------------------------------------------------------------------------------------ */

static void put_id(ken_buf *b, const ken_world *w, size_t fact)
{
    const size_t R = (size_t)w->o->relations;
    ken_buf_printf(b, "%s/%zu", ken_world_relations[fact % R].name, fact / R);
}

static void put_fact(ken_buf *b, const ken_world *w, size_t fact)
{
    const ken_world_fact *f = &w->fact[fact];
    ken_buf_puts(b, "{\"id\": \"");
    put_id(b, w, fact);
    ken_buf_printf(b, "\", \"relation\": \"%s\", \"subject\": \"",
                   ken_world_relations[fact % (size_t)w->o->relations].name);
    ken_world_put_subject(b, w, fact / (size_t)w->o->relations);
    ken_buf_puts(b, "\", \"question\": \"");
    ken_world_put_question(b, w, fact);
    ken_buf_puts(b, "\", \"sentence\": \"");
    ken_world_put_sentence(b, w, fact, 0);
    ken_buf_puts(b, "\", \"answer\": \"");
    ken_world_put_answer(b, w, fact);
    ken_buf_printf(b, "\", \"popularity\": %u, \"paraphrases\": %d, \"first\": %" PRId64 ", \"last\": %" PRId64 "}\n",
                   f->exposures, __builtin_popcount(f->paraphrases), f->first, f->last);
}

static void put_truth(ken_buf *b, const ken_world *w, size_t fact)
{
    const ken_world_fact *f = &w->fact[fact];
    ken_buf_puts(b, "{\"id\": \"");
    put_id(b, w, fact);
    ken_buf_printf(b,
                   "\", \"split\": \"%s\", \"exposures\": %u, \"paraphrases\": %d, \"first\": %" PRId64
                   ", \"last\": %" PRId64 "}\n",
                   ken_world_split_names[w->split[fact]], f->exposures, __builtin_popcount(f->paraphrases), f->first,
                   f->last);
}

/* split -1: all facts. No file when there is none of the split. */
static int write_some(const ken_world *w, const char *path, int split,
                      void (*put)(ken_buf *b, const ken_world *w, size_t fact), ken_err *err)
{
    ken_buf b = {0};
    for (size_t f = 0; f < w->n_facts; f++)
        if (split < 0 || w->split[f] == split) put(&b, w, f);
    int rc = b.failed ? ken_fail_nomem(err, "facts") : b.len == 0 ? KEN_OK : ken_write_file(path, b.data, b.len, err);
    ken_buf_free(&b);
    return rc;
}

int ken_world_write_facts(const ken_world *w, const char *dir, ken_err *err)
{
    static const struct {
        const char *name;
        int split;
    } files[] = {{"data/train.jsonl", KEN_WORLD_TRAIN}, {"data/dev.jsonl", KEN_WORLD_DEV},
                 {"data/test.jsonl", KEN_WORLD_TEST},   {"asked.jsonl", KEN_WORLD_ASKED},
                 {"ood.jsonl", KEN_WORLD_OOD},          {"truth.jsonl", -1}};
    char *data = ken_path_join(dir, "data");
    int rc = data == NULL ? ken_fail_nomem(err, "file name") : ken_make_folder(data, err);
    ken_free(data);
    for (size_t i = 0; i < sizeof files / sizeof *files && rc == KEN_OK; i++) {
        char *path = ken_path_join(dir, files[i].name);
        rc = path == NULL ? ken_fail_nomem(err, "file name")
                          : write_some(w, path, files[i].split, files[i].split < 0 ? put_truth : put_fact, err);
        ken_free(path);
    }
    return rc;
}
