/* model.c - what a model's files say: its shape, its weights, its tokenizer, and each tensor. */
#include "view/views.h"
#include <string.h>
#include <inttypes.h>
#include <stdio.h>

static void put_values(ken_views *v, const ken_model *m)
{
    const ken_model_info *f = ken_model_get_info(m);
    ken_value_text(v, "", "path", f->path);
    ken_value_text(v, "", "name", f->name);
    ken_value_text(v, "", "format", f->format);
    ken_value_text(v, "", "architecture", f->architecture);
    ken_value_text(v, "", "weight_type", f->weight_type);
    ken_value_text(v, "", "hash", f->hash);
    ken_value_text(v, "", "source", f->source);
    ken_value_text(v, "", "adapter", f->adapter);
    ken_value_text(v, "", "adapter_hash", f->adapter_hash);
    ken_value_text(v, "", "rope_scaling", f->rope_scaling);
    ken_value_text(v, "", "tokenizer", f->tokenizer);
    ken_value_text(v, "", "tokenizer_hash", f->tokenizer_hash);
    ken_value_count(v, "", "params", f->n_params);
    ken_value_count(v, "", "bytes", f->bytes);
    ken_value_count(v, "", "layers", (uint64_t)f->n_layer);
    ken_value_count(v, "", "embd", (uint64_t)f->n_embd);
    ken_value_count(v, "", "heads", (uint64_t)f->n_head);
    ken_value_count(v, "", "kv_heads", (uint64_t)f->n_kv_head);
    ken_value_count(v, "", "d_head", (uint64_t)f->d_head);
    ken_value_count(v, "", "ff", (uint64_t)f->n_ff);
    ken_value_count(v, "", "vocab", (uint64_t)f->n_vocab);
    ken_value_count(v, "", "context", (uint64_t)f->n_ctx);
    ken_value_count(v, "", "window", (uint64_t)f->sliding_window);
    ken_value_count(v, "", "bos", (uint64_t)f->bos); /* -1 stays -1 */
    ken_value_count(v, "", "eos", (uint64_t)f->eos);
    ken_value_number(v, "", "rope_theta", f->rope_theta);
    ken_value_number(v, "", "norm_eps", f->norm_eps);
    ken_value_truth(v, "", "tied_head", f->tied_head);
    ken_value_truth(v, "", "qkv_bias", f->qkv_bias);
    ken_value_truth(v, "", "qk_norm", f->qk_norm);
    ken_value_truth(v, "", "add_bos", f->add_bos);
    ken_value_truth(v, "", "add_eos", f->add_eos);
    ken_value_truth(v, "", "chat_template", f->has_chat_template);
    ken_value_list(v, "warnings[]");
    for (int i = 0; i < f->n_warnings; i++) ken_value_text(v, "warnings[]", "", ken_model_warning(m, i));
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
    for (const char *s = f->adapter, *end; s != NULL; s = *end != '\0' ? end + 1 : NULL) { /* several, one a line */
        end = s + strcspn(s, "\n");
        line(v, s == f->adapter ? "adapter" : "and",
             s == f->adapter ? ken_views_keep(v, "rank %d, %.*s", f->adapter_rank, (int)(end - s), s)
                             : ken_views_keep(v, "%.*s", (int)(end - s), s));
    }
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
    const char *path = ken_views_keep(v, "tensors[%zu].shape[]", i);
    ken_value_list(v, path);
    for (int d = 0; d < t->n_dims; d++) ken_value_count(v, path, "", (uint64_t)t->shape[d]);
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
    ken_value_list(v, "tensors[]");
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
    put_values(v, m);
    put_lines(v, m);
    if (tensors) put_tensors(v, m);
    return ken_views_finish(out, v, err);
}
