/* prompt.h - the text in front of an answer: four exemplars and the question (docs/method/knowledge.md#prompt), and its token ids.
 *
 * Default form, as printed in Gekhman et al. 2024, App. C: "Q: {question}\nA: {answer}\n" a shot, then "Q: {question}\nA:". */
#ifndef KEN_KNOW_PROMPT_H
#define KEN_KNOW_PROMPT_H
#include "base/buf.h"
#include "data/data.h"
#include "data/prompts.h"
#include "data/turns.h"
#include "model/model.h"

#define KEN_DEFAULT_TEMPLATE "Q: {question}\nA:"

typedef enum ken_chat { KEN_CHAT_NONE, KEN_CHAT_CHATML, KEN_CHAT_LLAMA3, KEN_CHAT_INST } ken_chat;

typedef struct ken_prompt_style {
    const char *template_text; /* with {question}, and perhaps {relation}, {subject}; ends where the answer begins */
    const char *after;         /* what follows an exemplar's answer: the stop string */
    ken_chat chat;             /* exemplars and question as turns of a conversation */
} ken_prompt_style;

/* Checks the template: KEN_EUSAGE without {question}, with an unknown placeholder, or when it spells a control token of t (NULL: not known), which
 * in a template is text. */
int ken_prompt_check_template(const char *template_text, const ken_tokenizer *t, ken_err *err);
/* field: "{subject}", ... */
bool ken_prompt_shows(const ken_prompt_style *s, const char *field);

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

/* ---- zero-shot: what is trained, and what `ken eval` asks (docs/method/fine-tuning.md#format) ----------------------------- */

/* The style of prompts without exemplars, for everything that trains or measures a training: the same template gives the same
 * tokens. template_text NULL = the one above, borrowed otherwise; with chat_template its text becomes the user's turn.
 * KEN_EUSAGE for a bad template, KEN_EINPUT when the model has no conversation format. */
int ken_zero_shot_style(ken_prompt_style *s, const char *template_text, bool chat_template, const ken_tokenizer *t,
                        ken_err *err);
/* The prompt's text, without what a conversation puts around it (appended to out). */
void ken_zero_shot_text(const ken_prompt_style *s, const ken_example *x, ken_buf *out);
/* The reverse: the question in a prompt of this style, *n bytes borrowed from text; NULL when it is another prompt. */
const char *ken_zero_shot_question(const ken_prompt_style *s, const char *text, size_t *n);
/* The same for prompt and answer in one text: *question (*n bytes) and *answer, borrowed from text. False when it is another text, or
 * could be parted in several ways. */
bool ken_zero_shot_part(const ken_prompt_style *s, const char *text, const char **question, size_t *n,
                        const char **answer);
/* The prompt's token ids. ids as in ken_tokenizer_encode, from the start: *n becomes their number. */
int ken_zero_shot_encode(const ken_prompt_style *s, const ken_tokenizer *t, const ken_example *x, int32_t **ids,
                         size_t *n, size_t *cap, ken_err *err);

/* Token ids of a prompt, given as text, with what should follow it: the target and the end token (that of the conversation format, else
 * EOS). Without a conversation format the prompt is one turn of the user's, taken as it is; with one, white space at the end of a turn
 * is dropped. *n_prompt: where the target begins. The prompt's tokens are those that it has alone: where the target would
 * change them, KEN_EINPUT. KEN_EINPUT also for turns that make no prompt, and when the vocabulary has no end token. */
int ken_prompt_join(const ken_prompt_style *s, const ken_tokenizer *t, const ken_turn *turns, int n_turns,
                    const char *target, int32_t **ids, size_t *n, size_t *cap, size_t *n_prompt, ken_err *err);
#endif
