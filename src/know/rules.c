/* rules.c - token classes, stop strings, truncated softmax; see rules.h. */
#include "know/rules.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "text/unicode.h"
#include <math.h>
#include <string.h>

const char *ken_finish_name(const ken_rules *r, ken_finish f)
{
    switch (f) {
    case KEN_FINISH_EOS: return "eos";
    case KEN_FINISH_STOP: return r->n_stop == 1 && r->stop[0] == '\n' ? "newline" : "stop";
    case KEN_FINISH_LENGTH: return "length";
    default: return "";
    }
}

/* First place where the stop string ends inside the new bytes: it may begin in x. Returns the length of the answer before it, or
 * SIZE_MAX. */
static size_t find_stop(const ken_rules *r, const char *x, size_t n, ken_str b)
{
    size_t back = n < r->n_stop - 1 ? n : r->n_stop - 1; /* bytes of x that could be part of it */
    for (size_t at = n - back; at + r->n_stop <= n + b.n; at++) {
        size_t i = 0;
        for (; i < r->n_stop; i++) {
            size_t j = at + i;
            if ((j < n ? x[j] : b.p[j - n]) != r->stop[i]) break;
        }
        if (i == r->n_stop) return at;
    }
    return SIZE_MAX;
}

ken_finish ken_rules_step(const ken_rules *r, const char *x, size_t n, int32_t v, ken_str *piece, size_t *len)
{
    *len = n;
    *piece = (ken_str){NULL, 0};
    if (ken_tokenizer_is_end(r->tokenizer, v)) return KEN_FINISH_EOS;
    *piece = ken_tokenizer_bytes(r->tokenizer, v);
    size_t at = find_stop(r, x, n, *piece);
    if (at != SIZE_MAX) {
        *len = at;
        return KEN_FINISH_STOP;
    }
    *len = n + piece->n;
    return KEN_RUNNING;
}

int32_t ken_rules_q(const ken_rules *r, const ken_request *a, double *out)
{
    int32_t n = a->n < r->top_k ? a->n : r->top_k;
    double sum = 0.0;
    for (int32_t i = 0; i < n; i++) {
        out[i] = exp(((double)a->logit[i] - (double)a->logit[0]) / r->temperature);
        sum += out[i];
    }
    for (int32_t i = 0; i < n; i++) out[i] /= sum;
    return n;
}

char *ken_answer_text(ken_arena *a, const char *s, size_t n)
{
    ken_buf b = {0}, c = {0};
    ken_utf8_clean(&b, s, n);
    for (size_t i = 0; i < b.len; i++) {
        if (b.data[i] != '\0') ken_buf_putc(&c, b.data[i]);
        else ken_buf_puts(&c, "\xEF\xBF\xBD");
    }
    char *text = b.failed || c.failed ? NULL : ken_arena_strndup(a, ken_buf_str(&c), c.len);
    ken_buf_free(&b);
    ken_buf_free(&c);
    return text;
}

int ken_rules_check(const ken_request *a, int prompt, int32_t position, ken_err *err)
{
    if (a->n > 0) return KEN_OK;
    return ken_fail(err, KEN_EINPUT,
                    "prompt %d, answer position %d: the model's logits are not finite (a corrupt model file, or "
                    "overflow in its weights)",
                    prompt + 1, position + 1);
}

ken_request *ken_request_new(const ken_rules *r, ken_node node, int32_t *outstanding)
{
    int32_t k = r->top_k + 1; /* one more: the gap between places top_k and top_k + 1 is reported */
    ken_request *q = ken_calloc(1, sizeof *q + (size_t)k * (sizeof *q->id + sizeof *q->logit));
    if (q == NULL) return NULL;
    q->node = node;
    q->k = k;
    q->id = (int32_t *)(q + 1);
    q->logit = (float *)(q->id + k);
    q->outstanding = outstanding;
    return q;
}

void ken_request_free(ken_request *q) { ken_free(q); }
