/* prompt.c - prompts as a list of pieces, some of which are control tokens; see prompt.h.
 *
 * A prompt without a conversation format is one piece of text and is encoded whole: tok(exemplars + question), never
 * tok(exemplars) + tok(question), which may differ where they meet. With a format, user text is encoded apart from the control
 * tokens around it, so that a question which spells <|im_end|> stays a question. */
#include "know/prompt.h"
#include "base/alloc.h"
#include <string.h>

/* ---- the template --------------------------------------------------------------------------------------------------- */

static const char *const placeholders[] = {"{question}", "{relation}", "{subject}"};

static const char *value_of(const ken_example *x, int which)
{
    switch (which) {
    case 0: return x->question;
    case 1: return x->relation;
    default: return x->subject != NULL ? x->subject : "";
    }
}

static int placeholder_at(const char *s)
{
    for (int i = 0; i < 3; i++)
        if (strncmp(s, placeholders[i], strlen(placeholders[i])) == 0) return i;
    return -1;
}

static int check_control(const char *text, const ken_tokenizer *t, ken_err *err)
{
    int32_t *ids = NULL;
    size_t n = 0, cap = 0;
    int rc = ken_tokenizer_encode(t, text, strlen(text), KEN_ENC_PARSE, &ids, &n, &cap, err);
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        if (!ken_tokenizer_is_control(t, ids[i])) continue;
        ken_str name = ken_tokenizer_piece(t, ids[i]);
        rc = ken_fail(err, KEN_EUSAGE,
                      "the template spells %.*s, a control token of this model; a template is text, and the model "
                      "would read other "
                      "tokens. `chat_template` puts the model's own conversation format around each question",
                      (int)name.n, name.p);
    }
    ken_free(ids);
    return rc;
}

int ken_prompt_check_template(const char *template_text, const ken_tokenizer *t, ken_err *err)
{
    if (strstr(template_text, "{question}") == NULL)
        return ken_fail(err, KEN_EUSAGE, "the template \"%s\" has no {question}; the default is \"Q: {question}\\nA:\"",
                        template_text);
    for (const char *p = strchr(template_text, '{'); p != NULL; p = strchr(p + 1, '{')) {
        size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_");
        if (n > 0 && p[1 + n] == '}' && placeholder_at(p) < 0)
            return ken_fail(err, KEN_EUSAGE,
                            "the template has an unknown placeholder %.*s; known: {question}, {relation}, {subject}",
                            (int)n + 2, p);
    }
    return t != NULL ? check_control(template_text, t, err) : KEN_OK;
}

bool ken_prompt_shows(const ken_prompt_style *s, const char *field) { return strstr(s->template_text, field) != NULL; }

static void render(const char *t, const ken_example *x, ken_buf *out)
{
    for (const char *p = t; *p != '\0';) {
        int which = *p == '{' ? placeholder_at(p) : -1;
        if (which < 0) ken_buf_putc(out, *p++);
        else {
            ken_buf_puts(out, value_of(x, which));
            p += strlen(placeholders[which]);
        }
    }
}

/* A space between question and answer, unless the template brings its own white space. */
static void add_answer(const ken_prompt_style *s, const ken_example *x, ken_buf *out)
{
    size_t n = strlen(s->template_text);
    if (n > 0 && strchr(" \n\t", s->template_text[n - 1]) == NULL) ken_buf_putc(out, ' ');
    ken_buf_puts(out, x->answers[0]);
    ken_buf_puts(out, s->after);
}

/* ---- conversation formats ------------------------------------------------------------------------------------------- */

/* What is put around a turn. Text between \1 and \2 is a control token. */
typedef struct around {
    const char *before, *after;
} around;

typedef struct format {
    ken_chat chat;
    const char *name;
    const char *needs;        /* a control token that tells the format */
    around role[KEN_N_ROLES]; /* NULL: this role has no turn of its own, its text comes before that of the next */
    const char *end;          /* the token that ends an answer */
} format;

static const format formats[] = {
    {KEN_CHAT_CHATML,
     "chatml",
     "<|im_start|>",
     {{"\1<|im_start|>\2system\n", "\1<|im_end|>\2\n"},
      {"\1<|im_start|>\2user\n", "\1<|im_end|>\2\n"},
      {"\1<|im_start|>\2assistant\n", "\1<|im_end|>\2\n"}},
     "<|im_end|>"},
    {KEN_CHAT_LLAMA3,
     "llama3",
     "<|start_header_id|>",
     {{"\1<|start_header_id|>\2system\1<|end_header_id|>\2\n\n", "\1<|eot_id|>\2"},
      {"\1<|start_header_id|>\2user\1<|end_header_id|>\2\n\n", "\1<|eot_id|>\2"},
      {"\1<|start_header_id|>\2assistant\1<|end_header_id|>\2\n\n", "\1<|eot_id|>\2"}},
     "<|eot_id|>"},
    {KEN_CHAT_INST, "inst", "[INST]", {{NULL, NULL}, {"\1[INST]\2 ", " \1[/INST]\2"}, {"", "\1</s>\2"}}, "</s>"},
};

static int32_t control_token(const ken_tokenizer *t, const char *name, size_t n)
{
    int32_t special = ken_tokenizer_special(t, name, n);
    if (special >= 0) return special;
    for (int32_t i = ken_tokenizer_n_vocab(t) - 1; i >= 0;
         i--) { /* control tokens are near the end of most vocabularies */
        ken_str s = ken_tokenizer_piece(t, i);
        if (s.n == n && memcmp(s.p, name, n) == 0) return i;
    }
    return -1;
}

int ken_chat_detect(ken_chat *chat, const ken_tokenizer *t, ken_err *err)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (control_token(t, formats[i].needs, strlen(formats[i].needs)) >= 0) {
            *chat = formats[i].chat;
            return KEN_OK;
        }
    return ken_fail(err, KEN_EINPUT,
                    "the model's vocabulary has no conversation format that ken knows (ChatML, Llama-3, [INST]); "
                    "leave out `chat_template`");
}

static const format *format_of(ken_chat chat)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].chat == chat) return &formats[i];
    return NULL;
}

const char *ken_chat_name(ken_chat chat) { return chat == KEN_CHAT_NONE ? "none" : format_of(chat)->name; }

/* The prompt as one string with control tokens between \1 and \2; those bytes are dropped from data, where they mean nothing. */
static void add_plain(ken_buf *out, const char *s)
{
    for (; *s != '\0'; s++)
        if (*s != '\1' && *s != '\2') ken_buf_putc(out, *s);
}

static void marked_text(const ken_prompt_style *s, const ken_example *const *shots, int n_shots, const ken_example *x,
                        ken_buf *out)
{
    const format *f = format_of(s->chat);
    for (int i = 0; i < n_shots + (x != NULL); i++) {
        ken_buf_puts(out, f->role[KEN_ROLE_USER].before);
        add_plain(out, i < n_shots ? shots[i]->question : x->question);
        ken_buf_puts(out, f->role[KEN_ROLE_USER].after);
        ken_buf_puts(out, f->role[KEN_ROLE_ASSISTANT].before);
        if (i == n_shots) break;
        add_plain(out, shots[i]->answers[0]);
        ken_buf_puts(out, f->role[KEN_ROLE_ASSISTANT].after);
    }
}

void ken_prompt_text(const ken_prompt_style *s, const ken_example *const *shots, int n_shots, const ken_example *x,
                     ken_buf *out)
{
    if (s->chat != KEN_CHAT_NONE) {
        ken_buf marked = {0};
        marked_text(s, shots, n_shots, x, &marked);
        out->failed |= marked.failed;
        add_plain(out, ken_buf_str(&marked));
        ken_buf_free(&marked);
        return;
    }
    for (int i = 0; i < n_shots; i++) {
        render(s->template_text, shots[i], out);
        add_answer(s, shots[i], out);
    }
    if (x != NULL) render(s->template_text, x, out);
}

/* ---- ids ------------------------------------------------------------------------------------------------------------ */

/* A generation continues after the prompt: an EOS that the tokenizer appends to whole texts does not belong there. */
static void drop_eos(const ken_tokenizer *t, const int32_t *ids, size_t *n)
{
    if (ken_tokenizer_adds_eos(t) && *n > 0 && ids[*n - 1] == ken_tokenizer_eos(t)) --*n;
}

static int encode_marked(const ken_tokenizer *t, const char *p, int32_t **ids, size_t *n, size_t *cap, ken_err *err)
{
    int rc = KEN_OK;
    if (ken_tokenizer_adds_bos(t)) {
        rc = ken_tokenizer_encode(t, "", 0, KEN_ENC_SPECIAL, ids, n, cap, err);
        if (rc == KEN_OK) drop_eos(t, *ids, n);
    }
    while (rc == KEN_OK && *p != '\0') {
        bool control = *p == '\1';
        size_t len = control ? strcspn(p + 1, "\2") : strcspn(p, "\1");
        if (!control) rc = ken_tokenizer_encode(t, p, len, 0, ids, n, cap, err);
        else {
            int32_t v = control_token(t, p + 1, len);
            if (v < 0)
                return ken_fail(err, KEN_EINPUT,
                                "the vocabulary lacks the control token %.*s of its own conversation format", (int)len,
                                p + 1);
            if (ken_grow((void **)ids, cap, *n + 1, sizeof **ids) != 0) return ken_fail_nomem(err, "prompt");
            (*ids)[(*n)++] = v;
        }
        p += control ? len + 2 : len;
    }
    return rc;
}

int ken_prompt_encode(const ken_prompt_style *s, const ken_tokenizer *t, const ken_example *const *shots, int n_shots,
                      const ken_example *x, int32_t **ids, size_t *n, size_t *cap, ken_err *err)
{
    ken_buf b = {0};
    *n = 0;
    if (s->chat != KEN_CHAT_NONE) marked_text(s, shots, n_shots, x, &b);
    else ken_prompt_text(s, shots, n_shots, x, &b);
    int rc = b.failed ? ken_fail_nomem(err, "prompt") : KEN_OK;
    if (rc == KEN_OK && s->chat != KEN_CHAT_NONE) rc = encode_marked(t, ken_buf_str(&b), ids, n, cap, err);
    else if (rc == KEN_OK) rc = ken_tokenizer_encode(t, ken_buf_str(&b), b.len, KEN_ENC_SPECIAL, ids, n, cap, err);
    if (rc == KEN_OK) drop_eos(t, *ids, n);
    ken_buf_free(&b);
    return rc;
}

int ken_prompt_encode_text(const ken_prompt_style *s, const ken_tokenizer *t, const char *text, int32_t **ids,
                           size_t *n, size_t *cap, ken_err *err)
{
    unsigned flags = KEN_ENC_SPECIAL | (s->chat != KEN_CHAT_NONE ? KEN_ENC_PARSE : 0u);
    *n = 0;
    int rc = ken_tokenizer_encode(t, text, strlen(text), flags, ids, n, cap, err);
    if (rc == KEN_OK) drop_eos(t, *ids, n);
    return rc;
}

/* ---- zero-shot ------------------------------------------------------------------------------------------------------ */

int ken_zero_shot_style(ken_prompt_style *s, const char *template_text, bool chat_template, const ken_tokenizer *t,
                        ken_err *err)
{
    *s = (ken_prompt_style){.template_text = template_text != NULL ? template_text : KEN_ZERO_SHOT_TEMPLATE,
                            .after = "\n",
                            .chat = KEN_CHAT_NONE};
    int rc = ken_prompt_check_template(s->template_text, t, err);
    return rc == KEN_OK && chat_template ? ken_chat_detect(&s->chat, t, err) : rc;
}

void ken_zero_shot_text(const ken_prompt_style *s, const ken_example *x, ken_buf *out)
{
    render(s->template_text, x, out);
}

static size_t trimmed(const char *s, size_t n)
{
    while (n > 0 && strchr(" \n\r\t", s[n - 1]) != NULL && s[n - 1] != '\0') n--;
    return n;
}

const char *ken_zero_shot_question(const ken_prompt_style *s, const char *text, size_t *n)
{
    return ken_template_question(s->template_text, text, n);
}

bool ken_zero_shot_part(const ken_prompt_style *s, const char *text, const char **question, size_t *n,
                        const char **answer)
{
    return ken_template_part(s->template_text, text, question, n, answer);
}

static void add_turn(const format *f, ken_role role, const char *text, ken_buf *out)
{
    ken_buf plain = {0};
    add_plain(&plain, text);
    size_t n = trimmed(ken_buf_str(&plain), plain.len);
    out->failed |= plain.failed;
    if (f->role[role].before != NULL) ken_buf_puts(out, f->role[role].before);
    ken_buf_add(out, ken_buf_str(&plain), n);
    ken_buf_puts(out, f->role[role].after != NULL ? f->role[role].after : "\n\n");
    ken_buf_free(&plain);
}

/* The turns, up to where the answer begins, marked. */
static int conversation(const ken_prompt_style *s, const ken_turn *turns, int n, ken_buf *out, ken_err *err)
{
    const format *f = format_of(s->chat);
    if (n < 1 || turns[n - 1].role != KEN_ROLE_USER)
        return ken_fail(err, KEN_EINPUT, "the turn before the answer is not the user's");
    for (int i = 0; i < n; i++) {
        /* A role without a turn of its own is inside the next one: after what opens that. */
        bool inside = i > 0 && f->role[turns[i - 1].role].before == NULL;
        if (!inside && f->role[turns[i].role].before == NULL) {
            if (turns[i + 1].role != KEN_ROLE_USER)
                return ken_fail(err, KEN_EINPUT, "a system turn comes before a turn that is not the user's");
            ken_buf_puts(out, f->role[KEN_ROLE_USER].before);
        }
        format inner = *f;
        if (inside) inner.role[turns[i].role].before = NULL;
        add_turn(&inner, turns[i].role, turns[i].text, out);
    }
    ken_buf_puts(out, f->role[KEN_ROLE_ASSISTANT].before);
    return KEN_OK;
}

/* text (a whole prompt, marked when it is a conversation) -> ids from the start. */
static int encode_prompt(const ken_prompt_style *s, const ken_tokenizer *t, const ken_buf *text, int32_t **ids,
                         size_t *n, size_t *cap, ken_err *err)
{
    *n = 0;
    if (text->failed) return ken_fail_nomem(err, "prompt");
    int rc = s->chat != KEN_CHAT_NONE
                 ? encode_marked(t, ken_buf_str(text), ids, n, cap, err)
                 : ken_tokenizer_encode(t, ken_buf_str(text), text->len, KEN_ENC_SPECIAL, ids, n, cap, err);
    if (rc == KEN_OK) drop_eos(t, *ids, n);
    return rc;
}

static int prompt_of_turns(const ken_prompt_style *s, const ken_turn *turns, int n_turns, ken_buf *out, ken_err *err)
{
    if (s->chat != KEN_CHAT_NONE) return conversation(s, turns, n_turns, out, err);
    if (n_turns != 1 || turns[0].role != KEN_ROLE_USER)
        return ken_fail(err, KEN_EINPUT,
                        "a conversation of %d turns before the answer needs the model's conversation format "
                        "(`chat_template`)",
                        n_turns);
    ken_buf_puts(out, turns[0].text);
    return KEN_OK;
}

int ken_zero_shot_encode(const ken_prompt_style *s, const ken_tokenizer *t, const ken_example *x, int32_t **ids,
                         size_t *n, size_t *cap, ken_err *err)
{
    ken_buf text = {0}, prompt = {0};
    ken_zero_shot_text(s, x, &text);
    ken_turn turn = {KEN_ROLE_USER, ken_buf_str(&text)};
    int rc = text.failed ? ken_fail_nomem(err, "prompt") : prompt_of_turns(s, &turn, 1, &prompt, err);
    if (rc == KEN_OK) rc = encode_prompt(s, t, &prompt, ids, n, cap, err);
    ken_buf_free(&text);
    ken_buf_free(&prompt);
    return rc;
}

static int add_end(const ken_prompt_style *s, const ken_tokenizer *t, int32_t **ids, size_t *n, size_t *cap,
                   ken_err *err)
{
    const char *name = s->chat != KEN_CHAT_NONE ? format_of(s->chat)->end : NULL;
    int32_t end = name != NULL ? control_token(t, name, strlen(name)) : ken_tokenizer_eos(t);
    if (end < 0)
        return ken_fail(err, KEN_EINPUT, "the model's vocabulary has no end token%s%s: an answer could not end",
                        name != NULL ? " " : "", name != NULL ? name : "");
    if (ken_grow((void **)ids, cap, *n + 1, sizeof **ids) != 0) return ken_fail_nomem(err, "target");
    (*ids)[(*n)++] = end;
    return KEN_OK;
}

int ken_prompt_join(const ken_prompt_style *s, const ken_tokenizer *t, const ken_turn *turns, int n_turns,
                    const char *target, int32_t **ids, size_t *n, size_t *cap, size_t *n_prompt, ken_err *err)
{
    ken_buf text = {0};
    int32_t *alone = NULL;
    size_t cap_alone = 0;
    *n = *n_prompt = 0;
    int rc = prompt_of_turns(s, turns, n_turns, &text, err);
    if (rc == KEN_OK) rc = encode_prompt(s, t, &text, &alone, n_prompt, &cap_alone, err);
    if (rc != KEN_OK) goto done;
    if (s->chat != KEN_CHAT_NONE) add_plain(&text, target);
    else ken_buf_puts(&text, target);
    rc = encode_prompt(s, t, &text, ids, n, cap, err);
    if (rc != KEN_OK) goto done;
    if (*n < *n_prompt || (*n_prompt > 0 && memcmp(*ids, alone, *n_prompt * sizeof *alone) != 0))
        rc = ken_fail(err, KEN_EINPUT,
                      "the prompt's tokens change when the target \"%.60s\" follows, so that what is trained is not "
                      "what is asked; end the prompt with a newline",
                      target);
    else rc = add_end(s, t, ids, n, cap, err);
done:
    ken_buf_free(&text);
    ken_free(alone);
    return rc;
}
