/* prompt.h - the text in front of an answer: four exemplars and the question (spec/slick.md 3), and its token ids.
 *
 * Default form, as printed in Gekhman et al. 2024, section 3: "Q: {question}\nA: {answer}\n" a shot, then "Q: {question}\nA:". */
#ifndef KEN_KNOW_PROMPT_H
#define KEN_KNOW_PROMPT_H
#include "base/buf.h"
#include "data/data.h"
#include "model/model.h"

#define KEN_DEFAULT_TEMPLATE "Q: {question}\nA:"

typedef enum ken_chat { KEN_CHAT_NONE, KEN_CHAT_CHATML, KEN_CHAT_LLAMA3, KEN_CHAT_INST } ken_chat;

typedef struct ken_prompt_style {
    const char *template_text; /* with {question}, and perhaps {relation}, {subject}; ends where the answer begins */
    const char *after;         /* what follows an exemplar's answer: the stop string */
    ken_chat chat;             /* exemplars and question as turns of a conversation */
} ken_prompt_style;

/* Checks the template: KEN_EUSAGE without {question}, or with an unknown placeholder. */
int ken_prompt_check_template(const char *template_text, ken_err *err);

/* The conversation format of a model, by the control tokens it has. KEN_EINPUT when it has none that we know. */
int ken_chat_detect(ken_chat *chat, const ken_tokenizer *t, ken_err *err);
const char *ken_chat_name(ken_chat chat); /* "none", "chatml", "llama3", "inst" */

/* The whole prompt as text (appended to out): for people, for the run. shots x = the exemplars, may be NULL with n_shots 0; x NULL = the
 * exemplars alone. */
void ken_prompt_text(const ken_prompt_style *s, const ken_example *const *shots, int n_shots, const ken_example *x,
                     ken_buf *out);

/* Its token ids: BOS as the file says, never EOS. ids as in ken_tokenizer_encode. */
int ken_prompt_encode(const ken_prompt_style *s, const ken_tokenizer *t, const ken_example *const *shots, int n_shots,
                      const ken_example *x, int32_t **ids, size_t *n, size_t *cap, ken_err *err);

/* The same for a whole prompt given as text. With a conversation format, text that spells a control token becomes one. */
int ken_prompt_encode_text(const ken_prompt_style *s, const ken_tokenizer *t, const char *text, int32_t **ids,
                           size_t *n, size_t *cap, ken_err *err);
#endif
