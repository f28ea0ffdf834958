/* model.c - what a model's files say: its shape, its weights, its tokenizer, and each tensor. */
#include "view/views.h"
#include <inttypes.h>
#include <stdio.h>

#define TEXT(name, member)                                                                                             \
    {                                                                                                                  \
        name, KEN_UNIT_TEXT, offsetof(ken_model_info, member), false                                                   \
    }
#define COUNT(name, member)                                                                                            \
    {                                                                                                                  \
        name, KEN_UNIT_COUNT, offsetof(ken_model_info, member), false                                                  \
    }
#define LONG_COUNT(name, member)                                                                                       \
    {                                                                                                                  \
        name, KEN_UNIT_COUNT, offsetof(ken_model_info, member), true                                                   \
    }
#define REAL(name, member)                                                                                             \
    {                                                                                                                  \
        name, KEN_UNIT_REAL, offsetof(ken_model_info, member), false                                                   \
    }
#define TRUTH(name, member)                                                                                            \
    {                                                                                                                  \
        name, KEN_UNIT_TRUTH, offsetof(ken_model_info, member), false                                                  \
    }

/* Members that stand in JSON as they are. */
static const struct {
    const char *key;
    ken_unit unit;
    size_t at;
    bool wide; /* a count that is a uint64_t, not an int */
} fields[] = {TEXT("path", path),
              TEXT("name", name),
              TEXT("format", format),
              TEXT("architecture", architecture),
              TEXT("weight_type", weight_type),
              TEXT("hash", hash),
              TEXT("source", source),
              TEXT("adapter", adapter),
              TEXT("adapter_hash", adapter_hash),
              TEXT("rope_scaling", rope_scaling),
              TEXT("tokenizer", tokenizer),
              TEXT("tokenizer_hash", tokenizer_hash),
              LONG_COUNT("params", n_params),
              LONG_COUNT("bytes", bytes),
              COUNT("layers", n_layer),
              COUNT("embd", n_embd),
              COUNT("heads", n_head),
              COUNT("kv_heads", n_kv_head),
              COUNT("d_head", d_head),
              COUNT("ff", n_ff),
              COUNT("vocab", n_vocab),
              COUNT("context", n_ctx),
              COUNT("window", sliding_window),
              COUNT("bos", bos),
              COUNT("eos", eos),
              REAL("rope_theta", rope_theta),
              REAL("norm_eps", norm_eps),
              TRUTH("tied_head", tied_head),
              TRUTH("qkv_bias", qkv_bias),
              TRUTH("qk_norm", qk_norm),
              TRUTH("add_bos", add_bos),
              TRUTH("add_eos", add_eos),
              TRUTH("chat_template", has_chat_template)};
enum { N_FIELDS = sizeof fields / sizeof *fields };

static void put_fields(ken_views *v, const ken_model_info *f)
{
    ken_view_column columns[N_FIELDS];
    for (size_t i = 0; i < N_FIELDS; i++)
        columns[i] = (ken_view_column){.head = "", .key = fields[i].key, .unit = fields[i].unit, .where = KEN_IN_JSON};
    ken_views_columns(v, columns, N_FIELDS, NULL);
    ken_views_last(v)->where = KEN_IN_JSON;
    ken_views_row(v, "", NULL);
    for (size_t i = 0; i < N_FIELDS; i++) {
        const char *member = (const char *)f + fields[i].at;
        switch ((int)fields[i].unit) {
        case KEN_UNIT_TEXT: ken_put_setting(v, *(const char *const *)(const void *)member); break;
        case KEN_UNIT_COUNT:
            ken_put_count(v, fields[i].wide ? *(const uint64_t *)(const void *)member
                                            : (uint64_t) * (const int *)(const void *)member); /* -1 stays -1 */
            break;
        case KEN_UNIT_REAL: ken_put_number(v, *(const double *)(const void *)member); break;
        default: ken_put_truth(v, *(const bool *)(const void *)member);
        }
    }
}

static void put_warnings(ken_views *v, const ken_model *m)
{
    static const ken_view_column warning[] = {{.key = "", .unit = KEN_UNIT_TEXT, .where = KEN_IN_JSON}};
    ken_views_values(v, NULL, 0, "warnings[]");
    for (int i = 0; i < ken_model_get_info(m)->n_warnings; i++) {
        ken_views_values(v, warning, 1, "warnings[]");
        ken_put_setting(v, ken_model_warning(m, i));
    }
}

/* ---- for people ------------------------------------------------------------------------------------------------------- */

static void line(ken_views *v, const char *label, const char *value)
{
    ken_views_row(v, NULL, NULL);
    ken_put_text(v, KEN_STYLE_QUIET, label);
    ken_put_text(v, KEN_STYLE_PLAIN, value);
}

static void put_network(ken_views *v, const ken_model_info *f)
{
    line(v, "network",
         ken_views_keep(v, "%s, %s parameters in %d tensors", f->architecture, ken_views_count_text(v, f->n_params),
                        f->n_tensors));
    line(v, "shape",
         ken_views_keep(v, "%d layers, width %d, feed-forward %d, %s head", f->n_layer, f->n_embd, f->n_ff,
                        f->tied_head ? "tied" : "untied"));
    line(v, "attention",
         ken_views_keep(v, "%d heads of %d, %d key-value heads%s%s", f->n_head, f->d_head, f->n_kv_head,
                        f->qkv_bias ? ", with biases" : "", f->qk_norm ? ", query and key norms" : ""));
    const char *window = f->sliding_window > 0 ? ken_views_keep(v, "; sliding window %d", f->sliding_window) : "";
    line(v, "context",
         ken_views_keep(v, "%d tokens; rope base %.15g, scaling %s%s", f->n_ctx, f->rope_theta, f->rope_scaling,
                        window));
}

static void put_lines(ken_views *v, const ken_model *m)
{
    static const ken_view_column columns[] = {{.head = "", .unit = KEN_UNIT_TEXT, .width = 13, .where = KEN_SHOWN},
                                              {.head = "", .unit = KEN_UNIT_TEXT, .where = KEN_SHOWN}};
    const ken_model_info *f = ken_model_get_info(m);
    const char *bos = ken_token_name(m, f->bos), *eos = ken_token_name(m, f->eos);
    ken_views_heading(v, 0, "%s", f->name);
    ken_views_table(v, columns, 2, NULL);
    ken_views_last(v)->headless = ken_views_last(v)->close = true;
    line(v, "file", f->path);
    line(v, "format", ken_views_keep(v, "%s, %.1f MB, mostly %s", f->format, (double)f->bytes / 1e6, f->weight_type));
    if (f->source != NULL) line(v, "source", f->source);
    if (f->hash != NULL) line(v, "sha256", f->hash);
    if (f->adapter != NULL) line(v, "adapter", ken_views_keep(v, "rank %d, %s", f->adapter_rank, f->adapter));
    put_network(v, f);
    line(v, "tokenizer",
         ken_views_keep(v, "%s, %s tokens, hash %.16s", f->tokenizer, ken_views_count_text(v, (uint64_t)f->n_vocab),
                        f->tokenizer_hash));
    line(v, "special",
         ken_views_keep(v, "BOS %s%s, EOS %s%s; chat template: %s", bos != NULL ? bos : "none",
                        f->add_bos ? " (added)" : "", eos != NULL ? eos : "none", f->add_eos ? " (added)" : "",
                        f->has_chat_template ? "yes" : "no"));
}

/* ---- tensors ---------------------------------------------------------------------------------------------------------- */

static const char *shape_text(ken_views *v, const ken_tensor_info *t)
{
    char s[120];
    size_t w = (size_t)snprintf(s, sizeof s, "(");
    for (int d = 0; d < t->n_dims && w + 24 < sizeof s; d++)
        w += (size_t)snprintf(s + w, sizeof s - w, "%s%" PRId64, d > 0 ? ", " : "", t->shape[d]);
    snprintf(s + w, sizeof s - w, ")");
    return ken_views_keep(v, "%s", s);
}

static void put_shape(ken_views *v, const ken_tensor_info *t, size_t i)
{
    static const ken_view_column size[] = {{.key = "", .unit = KEN_UNIT_COUNT, .where = KEN_IN_JSON}};
    const char *path = ken_views_keep(v, "tensors[%zu].shape[]", i);
    ken_views_table(v, size, t->n_dims > 0, NULL);
    ken_views_last(v)->where = KEN_IN_JSON;
    if (t->n_dims == 0) ken_views_row(v, path, NULL);
    for (int d = 0; d < t->n_dims; d++) {
        ken_views_row(v, path, NULL);
        ken_put_count(v, (uint64_t)t->shape[d]);
    }
}

static void put_tensors(ken_views *v, const ken_model *m)
{
    static const ken_view_column columns[] = {
        {.head = "", .unit = KEN_UNIT_COUNT, .width = 5, .where = KEN_SHOWN},
        {.head = "type", .key = "type", .unit = KEN_UNIT_TEXT, .width = 10, .where = KEN_EVERYWHERE},
        {.head = "shape", .key = NULL, .unit = KEN_UNIT_TEXT, .width = 20, .where = KEN_SHOWN | KEN_IN_CSV},
        {.head = "bytes", .key = "bytes", .unit = KEN_UNIT_COUNT, .width = 14, .where = KEN_EVERYWHERE},
        {.head = "name", .key = "name", .unit = KEN_UNIT_TEXT, .where = KEN_EVERYWHERE}};
    ken_tensor_info t;
    size_t n = 0;
    ken_views_values(v, NULL, 0, "tensors[]");
    ken_views_table(v, columns, sizeof columns / sizeof *columns, NULL);
    for (int i = 0; i < ken_model_get_info(m)->n_tensors; i++) {
        if (ken_model_tensor(m, i, &t) != KEN_OK) continue;
        ken_views_row(v, "tensors[]", NULL);
        ken_put_count(v, (uint64_t)i);
        ken_put_text(v, KEN_STYLE_PLAIN, t.type);
        ken_put_text(v, KEN_STYLE_PLAIN, shape_text(v, &t));
        ken_put_count(v, t.bytes);
        ken_put_text(v, KEN_STYLE_PLAIN, t.name);
    }
    for (int i = 0; i < ken_model_get_info(m)->n_tensors; i++)
        if (ken_model_tensor(m, i, &t) == KEN_OK) put_shape(v, &t, n++);
}

int ken_views_of_model(ken_views **out, const ken_model *m, bool tensors, ken_err *err)
{
    ken_views *v = ken_views_new();
    put_fields(v, ken_model_get_info(m));
    put_warnings(v, m);
    put_lines(v, m);
    if (tensors) put_tensors(v, m);
    return ken_views_finish(out, v, err);
}
