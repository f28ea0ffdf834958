/* perplexity.h - how well a model predicts a text (`ken eval --text`): what fine-tuning did beyond the facts.
 *
 * The text is encoded whole and cut into windows of at most `window` tokens that begin every `stride` tokens; a window begins with
 * BOS when the model's tokenizer adds one. Each token is scored once, in the first window that holds it, from the tokens before it there:
 * the measure of Hugging Face's documentation, and with stride = window that of the usual programs. A window's first token has nothing
 * before it (without BOS) and is not scored then. */
#ifndef KEN_KNOW_PERPLEXITY_H
#define KEN_KNOW_PERPLEXITY_H
#include "know/watch.h"
#include "nn/forwarder.h"
#include "text/tokenizer.h"

typedef struct ken_text_options {
    int window, stride; /* 0 = min(1024, context); 0 = window */
    ken_watch *watch;   /* reported to between windows, in tokens; or NULL */
} ken_text_options;

typedef struct ken_text_loss {
    double nll;             /* sum of -log p over the scored tokens */
    uint64_t tokens, bytes; /* scored tokens, and the bytes of their text */
    uint64_t windows;
} ken_text_loss;

/* KEN_EINPUT when the text cannot be read, is no UTF-8, too large (64 MiB), or too short to score a token; KEN_EUSAGE when the
 * window makes no sense. *forwards += positions forwarded. */
int ken_text_perplexity(ken_forwarder *f, const ken_tokenizer *t, const char *path, const ken_text_options *o,
                        ken_text_loss *out, uint64_t *forwards, ken_err *err);
#endif
