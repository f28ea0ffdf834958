/* options.c - parsing of command line and environment by the option tables; see options.h.
 *
 * GNU habits: options may stand anywhere, `--` ends them, `--name=value` and `--name value` are the same, short flags may be
 * joined (-qv) and a short option's value may follow at once (-t2). Unlike getopt_long, a long name is never abbreviated: an
 * option added later must not change what a script means. */
#include "cli/options.h"
#include "cli/cli.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- values --------------------------------------------------------------------------------------------------------- */

/* "--shots" or "KEN_SHOTS" in messages: where the value came from. */
typedef struct source {
    const cli_option *o;
    const char *shown;
} source;

static int bad_value(ken_err *err, source s, const char *value, const char *expected)
{
    return cli_fail(err, KEN_EUSAGE, "%s: %s expected, not \"%s\"", s.shown, expected, value);
}

static int out_of_range(ken_err *err, source s, const char *value)
{
    if (s.o->max > 0)
        return cli_fail(err, KEN_EUSAGE, "%s: %s is out of range (%.15g to %.15g)", s.shown, value, s.o->min, s.o->max);
    return cli_fail(err, KEN_EUSAGE, "%s: %s is out of range (%.15g or more)", s.shown, value, s.o->min);
}

static bool in_range(const cli_option *o, double v) { return v >= o->min && (o->max <= 0 || v <= o->max); }

/* Whole decimal number; strtoull would take signs and leading blanks. */
static bool parse_whole(const char *s, uint64_t *out, const char **end)
{
    if (!isdigit((unsigned char)*s)) return false;
    char *e;
    errno = 0;
    *out = strtoull(s, &e, 10);
    *end = e;
    return errno == 0;
}

static int set_whole(source s, const char *value, ken_err *err)
{
    bool negative = value[0] == '-' && isdigit((unsigned char)value[1]);
    const char *end = value;
    uint64_t v = 0;
    if (negative && strspn(value + 1, "0123456789") == strlen(value + 1)) return out_of_range(err, s, value);
    if (!isdigit((unsigned char)value[0])) return bad_value(err, s, value, "a whole number");
    bool fits = parse_whole(value, &v, &end);
    int shift = 0;
    if (s.o->type == CLI_BYTES && *end != '\0') {
        const char *units = "KMGT", *u = strchr(units, toupper((unsigned char)*end));
        if (u == NULL || *u == '\0') return bad_value(err, s, value, "a size such as 512M");
        shift = 10 * (int)(u - units + 1);
        end++;
    }
    if (*end != '\0') return bad_value(err, s, value, "a whole number");
    if (!fits || (shift > 0 && v > SIZE_MAX >> shift)) return out_of_range(err, s, value);
    v <<= shift;
    if (!in_range(s.o, (double)v) || (s.o->type == CLI_INT && v > INT32_MAX)) return out_of_range(err, s, value);
    if (s.o->type == CLI_INT) *(int *)s.o->value = (int)v;
    else if (s.o->type == CLI_U64) *(uint64_t *)s.o->value = v;
    else *(size_t *)s.o->value = (size_t)v;
    return KEN_OK;
}

static int set_real(source s, const char *value, ken_err *err)
{
    char *end;
    errno = 0;
    double v = strtod(value, &end);
    if (*value == '\0' || isspace((unsigned char)*value) || *end != '\0' || isnan(v))
        return bad_value(err, s, value, "a number");
    if (!isfinite(v) || !in_range(s.o, v)) return out_of_range(err, s, value);
    *(double *)s.o->value = v;
    return KEN_OK;
}

static int set_text(source s, const char *value, ken_err *err)
{
    char *out = malloc(strlen(value) + 1), *w = out;
    if (out == NULL) return cli_fail(err, KEN_ENOMEM, "%s: out of memory", s.shown);
    for (const char *r = value; *r != '\0'; r++) {
        const char *from = "ntr\\", *to = "\n\t\r\\", *e = r[0] == '\\' && r[1] != '\0' ? strchr(from, r[1]) : NULL;
        if (e != NULL) {
            *w++ = to[e - from];
            r++;
        } else *w++ = *r;
    }
    *w = '\0';
    *(const char **)s.o->value = out; /* settings live as long as the program */
    return KEN_OK;
}

static int set_choice(source s, const char *value, ken_err *err)
{
    if (*value == '\0' || !cli_in_list(s.o->choices, '|', value))
        return cli_fail(err, KEN_EUSAGE, "%s: \"%s\" is not one of %s", s.shown, value, s.o->choices);
    *(const char **)s.o->value = value;
    return KEN_OK;
}

static int add_item(source s, const char *value, ken_err *err)
{
    cli_list *l = s.o->value;
    if (l->n == CLI_LIST_MAX) return cli_fail(err, KEN_EUSAGE, "%s: at most %d of them", s.shown, CLI_LIST_MAX);
    l->item[l->n++] = value;
    return KEN_OK;
}

static int set_word(source s, const char *value, ken_err *err)
{
    int v = ken_word_value(s.o->words, value);
    char choices[200];
    cli_choices_text(s.o, choices, sizeof choices);
    if (v < 0) return cli_fail(err, KEN_EUSAGE, "%s: \"%s\" is not one of %s", s.shown, value, choices);
    *(int *)s.o->value = v;
    return KEN_OK;
}

/* Copies of the names, which live as long as the program. */
static int add_names(source s, const char *value, ken_err *err)
{
    for (const char *at = value; at != NULL;) {
        const char *comma = strchr(at, ','), *from = at + strspn(at, " ");
        const char *end = comma != NULL ? comma : at + strlen(at);
        while (end > from && end[-1] == ' ') end--;
        if (end <= from)
            return cli_fail(err, KEN_EUSAGE, "%s: \"%s\" has an empty name in it; name one or more", s.shown, value);
        int rc = add_item(s, from, err); /* takes a place, which the name's own copy then has */
        if (rc != KEN_OK) return rc;
        cli_list *l = s.o->value;
        l->item[l->n - 1] = strndup(from, (size_t)(end - from));
        if (l->item[l->n - 1] == NULL) return cli_fail(err, KEN_ENOMEM, "%s: out of memory", s.shown);
        at = comma != NULL ? comma + 1 : NULL;
    }
    return KEN_OK;
}

ken_names cli_names(const cli_list *l) { return (ken_names){l->item, l->n}; }

void cli_choices_text(const cli_option *o, char *out, size_t n)
{
    size_t at = 0;
    out[0] = '\0';
    if (o->choices != NULL) snprintf(out, n, "%s", o->choices);
    for (int i = 0; o->type == CLI_WORD && ken_word(o->words, i) != NULL && at < n; i++)
        at += (size_t)snprintf(out + at, n - at, "%s%s", i > 0 ? "|" : "", ken_word(o->words, i));
}

static int set_value(source s, const char *value, ken_err *err)
{
    switch (s.o->type) {
    case CLI_FLAG: *(bool *)s.o->value = true; return KEN_OK;
    case CLI_UNFLAG: *(bool *)s.o->value = false; return KEN_OK;
    case CLI_STRING: *(const char **)s.o->value = value; return KEN_OK;
    case CLI_LIST: return add_item(s, value, err);
    case CLI_TEXT: return set_text(s, value, err);
    case CLI_NAMES: return add_names(s, value, err);
    case CLI_CHOICE: return set_choice(s, value, err);
    case CLI_WORD: return set_word(s, value, err);
    case CLI_PARSED: return s.o->parse(s.o->value, value, s.shown, err);
    case CLI_REAL: return set_real(s, value, err);
    default: return set_whole(s, value, err);
    }
}

/* A flag in the environment needs a value; anything that is not clearly yes or no is refused. */
static int set_flag_from_env(source s, const char *value, ken_err *err)
{
    if (cli_in_list("1|yes|true|on", '|', value)) return set_value(s, NULL, err);
    if (*value == '\0' || cli_in_list("0|no|false|off", '|', value)) return KEN_OK;
    return bad_value(err, s, value, "1 or 0");
}

static bool takes_value(const cli_option *o) { return o->type != CLI_FLAG && o->type != CLI_UNFLAG; }

/* ---- tables --------------------------------------------------------------------------------------------------------- */

typedef bool (*option_test)(const cli_option *o, const void *what);

static const cli_option *find_option(const cli_verb *v, option_test is, const void *what)
{
    for (int t = 0; t < CLI_MAX_TABLES && v->tables[t] != NULL; t++)
        for (const cli_option *o = v->tables[t]; o->name != NULL; o++)
            if (is(o, what)) return o;
    for (const cli_option *o = cli_common_options; o->name != NULL; o++)
        if (is(o, what)) return o;
    return NULL;
}

typedef struct span {
    const char *s;
    size_t n;
} span;

static bool has_name(const cli_option *o, const void *what)
{
    const span *w = what;
    return strlen(o->name) == w->n && memcmp(o->name, w->s, w->n) == 0;
}

static bool has_setting(const cli_option *o, const void *what)
{
    const span *w = what;
    const char *is = o->setting != NULL ? o->setting : o->name;
    if (strlen(is) != w->n) return false;
    for (size_t i = 0; i < w->n; i++)
        if (w->s[i] != (is[i] == '-' ? '_' : is[i])) return false;
    return true;
}

static bool has_letter(const cli_option *o, const void *what) { return o->letter == *(const char *)what; }

void cli_each_option(const cli_verb *v, void (*f)(const cli_option *o, void *ctx), void *ctx)
{
    for (int t = 0; t < CLI_MAX_TABLES && v->tables[t] != NULL; t++)
        for (const cli_option *o = v->tables[t]; o->name != NULL; o++)
            if (!(o->flags & CLI_HIDDEN)) f(o, ctx);
    for (const cli_option *o = cli_common_options; o->name != NULL; o++)
        if (!(o->flags & CLI_HIDDEN)) f(o, ctx);
}

static const cli_option *option_of_setting(const cli_verb *v, span word)
{
    const cli_option *o = v != NULL ? find_option(v, has_setting, &word) : NULL;
    for (size_t i = 0; i < cli_n_verbs && o == NULL; i++) o = find_option(cli_verbs[i], has_setting, &word);
    return o;
}

/* What a user types for what a message calls by its function. */
static const struct {
    const char *function, *command;
} commands[] = {
    {"ken_annotate", "ken annotate"},   {"ken_data_open", "ken data"},   {"ken_evaluate", "ken eval --prompt few-shot"},
    {"ken_run_row", "ken show --rows"}, {"ken_score", "ken score"},      {"ken_scoring_audit", "ken score --audit"},
    {"ken_train", "ken train"},         {"ken_views_of_run", "ken show"}};

/* "--shots" or "ken train" for a word in backquotes; "" when it stays as it is. */
static void typed_for(const cli_verb *v, span word, char *out, size_t n)
{
    out[0] = '\0';
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strlen(commands[i].function) == word.n && memcmp(commands[i].function, word.s, word.n) == 0)
            snprintf(out, n, "%s", commands[i].command);
    const cli_option *o = out[0] == '\0' ? option_of_setting(v, word) : NULL;
    if (o != NULL) snprintf(out, n, "--%s", o->name);
    if (o != NULL && o->type == CLI_UNFLAG) out[0] = '\0'; /* `texts`, which --no-texts turns off */
}

void cli_name_options(const cli_verb *v, char *text, size_t size)
{
    char out[4096], typed[80];
    size_t w = 0;
    if (size > sizeof out) size = sizeof out;
    for (const char *r = text; *r != '\0' && w + 1 < size;) {
        span word = {r + 1, strspn(r + 1, "abcdefghijklmnopqrstuvwxyz0123456789_")};
        typed[0] = '\0';
        if (*r == '`' && word.n > 0 && word.s[word.n] == '`') typed_for(v, word, typed, sizeof typed);
        if (typed[0] == '\0') {
            out[w++] = *r++;
            continue;
        }
        r = word.s + word.n + 1;
        w += (size_t)snprintf(out + w, size - w, "%s", typed);
        if (w >= size) w = size - 1;
    }
    out[w] = '\0';
    memcpy(text, out, w + 1);
}

/* Whether the word (n bytes) stands in text by itself. */
static bool names_word(const char *text, const char *word, size_t n)
{
    for (const char *p = text; (p = strchr(p, word[0])) != NULL; p++) {
        bool begins = p == text || !isalnum((unsigned char)p[-1]);
        if (begins && strncmp(p, word, n) == 0 && !isalnum((unsigned char)p[n])) return true;
    }
    return false;
}

const char *cli_choices_help(const cli_option *o, char *out, size_t n)
{
    bool all = true;
    size_t len = 0;
    char choices[300];
    cli_choices_text(o, choices, sizeof choices);
    out[0] = '\0';
    for (const char *c = choices; *c != '\0'; c += strcspn(c, "|"), c += *c == '|')
        all &= names_word(o->help, c, strcspn(c, "|"));
    for (const char *c = choices; *c != '\0' && !all && len < n;) {
        size_t word = strcspn(c, "|");
        bool last = c[word] == '\0';
        len += (size_t)snprintf(out + len, n - len, "%s%.*s", len == 0 ? ": " : last ? " or " : ", ", (int)word, c);
        c += word + !last;
    }
    return out;
}

void cli_env_name(const cli_option *o, char *out, size_t n)
{
    size_t w = 0;
    out[0] = '\0';
    if ((o->flags & CLI_IO) || strlen(o->name) + 5 > n) return;
    memcpy(out, "KEN_", 4);
    for (w = 4; o->name[w - 4] != '\0'; w++) {
        char c = o->name[w - 4];
        out[w] = c == '-' ? '_' : (char)toupper((unsigned char)c);
    }
    out[w] = '\0';
}

static void escape_text(const char *s, char *out, size_t n)
{
    size_t w = 0;
    for (; *s != '\0' && w + 3 < n; s++) {
        if (*s == '\n') w += (size_t)snprintf(out + w, n - w, "\\n");
        else out[w++] = *s;
    }
    out[w] = '\0';
}

void cli_default_text(const cli_option *o, char *out, size_t n)
{
    out[0] = '\0';
    switch (o->type) {
    case CLI_FLAG:
    case CLI_UNFLAG:
    case CLI_NAMES:
    case CLI_LIST: return;
    case CLI_WORD: snprintf(out, n, "%s", ken_word(o->words, *(int *)o->value)); return;
    case CLI_PARSED:
        if (o->show != NULL) o->show(o->value, out, n);
        return;
    case CLI_STRING:
    case CLI_TEXT:
    case CLI_CHOICE:
        if (*(const char **)o->value != NULL) escape_text(*(const char **)o->value, out, n);
        return;
    case CLI_INT: snprintf(out, n, "%d", *(int *)o->value); return;
    case CLI_U64: snprintf(out, n, "%" PRIu64, *(uint64_t *)o->value); return;
    case CLI_SIZE:
    case CLI_BYTES: /* 0 stands for "all" or "chosen", the largest for "not given", which the help text says */
        if (*(size_t *)o->value != 0 && *(size_t *)o->value != SIZE_MAX) snprintf(out, n, "%zu", *(size_t *)o->value);
        return;
    case CLI_REAL: /* not a number stands for "any", which the help text says */
        if (!isnan(*(double *)o->value)) snprintf(out, n, "%g", *(double *)o->value);
        return;
    }
}

/* ---- near misses ---------------------------------------------------------------------------------------------------- */

/* Edit distance with transpositions (optimal string alignment) of words up to 63 bytes; longer ones are never near. */
static int distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    size_t n = strlen(a), m = strlen(b);
    if (n >= MAX || m >= MAX) return MAX;
    int d[3][MAX];
    for (size_t j = 0; j <= m; j++) d[0][j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int *now = d[i % 3], *up = d[(i + 2) % 3], *up2 = d[(i + 1) % 3];
        now[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best) best = up[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            now[j] = best;
        }
    }
    return d[n % 3][m];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    int least = 0;
    for (size_t i = 0; i < n; i++) {
        int d = distance(word, names[i]), far = (int)strlen(word) / 3;
        if (strncmp(names[i], word, strlen(word)) == 0 && strlen(word) >= 3) d = 0; /* an abbreviation */
        if (d > (far < 1 ? 1 : far > 3 ? 3 : far) || (best != NULL && d >= least)) continue;
        best = names[i];
        least = d;
    }
    return best;
}

typedef struct name_list {
    const char *name[128];
    size_t n;
} name_list;

static void collect_name(const cli_option *o, void *ctx)
{
    name_list *l = ctx;
    if (l->n < sizeof l->name / sizeof *l->name) l->name[l->n++] = o->name;
}

/* What other programs call our options: lm-evaluation-harness, transformers, llama.cpp. */
static const struct {
    const char *theirs, *ours;
} meanings[] = {
    {"num-fewshot", "shots"},
    {"fewshot", "shots"},
    {"n-shot", "shots"},
    {"num-shots", "shots"},
    {"batch-size", "batch"},
    {"per-device-train-batch-size", "batch"},
    {"train-batch-size", "batch"},
    {"learning-rate", "lr"},
    {"num-train-epochs", "epochs"},
    {"num-epochs", "epochs"},
    {"max-new-tokens", "max-new"},
    {"max-tokens", "max-new"},
    {"n-predict", "max-new"},
    {"max-seq-length", "max-length"},
    {"max-seq-len", "max-length"},
    {"model-name-or-path", "model"},
    {"model-path", "model"},
    {"pretrained", "model"},
    {"peft", "adapter"},
    {"lora", "adapter"},
    {"lora-r", "lora"},
    {"lora-rank", "lora"},
    {"lora-alpha", "lora"},
    {"output-dir", "output"},
    {"output-path", "output"},
    {"out", "output"},
    {"dataset", "data"},
    {"data-path", "data"},
    {"num-samples", "samples"},
    {"n-samples", "samples"},
    {"temp", "temperature"},
    {"apply-chat-template", "chat-template"},
    {"n-threads", "threads"},
    {"num-threads", "threads"},
    {"random-seed", "seed"},
    {"warmup-ratio", "warmup"},
    {"warmup-steps", "warmup"},
    {"metric", "matcher"},
};

/* The option of the verb that means the same; NULL = none. Underscores are as good as dashes. */
static const char *same_meaning(const name_list *names, const char *word)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strcmp(meanings[i].theirs, word) != 0) continue;
        for (size_t k = 0; k < names->n; k++)
            if (strcmp(names->name[k], meanings[i].ours) == 0) return names->name[k];
    }
    return NULL;
}

static int unknown_long(const cli_verb *v, const char *name, int len, ken_err *err)
{
    name_list names = {.n = 0};
    cli_each_option(v, collect_name, &names);
    char word[64];
    snprintf(word, sizeof word, "%.*s", len, name);
    for (char *c = word; *c != '\0'; c++)
        if (*c == '_') *c = '-';
    const char *near = same_meaning(&names, word);
    if (near == NULL) near = cli_nearest(word, names.name, names.n);
    if (near != NULL) return cli_fail(err, KEN_EUSAGE, "unknown option --%.*s; did you mean --%s?", len, name, near);
    return cli_fail(err, KEN_EUSAGE, "unknown option --%.*s", len, name);
}

bool cli_in_list(const char *list, char sep, const char *item)
{
    size_t n = strlen(item);
    for (const char *p = list; p != NULL; p = strchr(p, sep), p = p != NULL ? p + 1 : NULL)
        if (strncmp(p, item, n) == 0 && (p[n] == '\0' || p[n] == sep)) return true;
    return false;
}

enum { MAX_GIVEN = 256 }; /* options of one command line that differ; a verb has fewer */

/* ---- parsing -------------------------------------------------------------------------------------------------------- */

typedef struct parser {
    const cli_verb *verb;
    int argc, at;
    char **argv;
    const cli_option *given[MAX_GIVEN]; /* (n_given) on the command line: not looked for in the environment */
    int n_given;
} parser;

/* Whether an option given again adds to what it was given before. */
static bool adds_up(const cli_option *o)
{
    return o->type == CLI_LIST || o->type == CLI_NAMES || (o->flags & CLI_ADDS) != 0;
}

static int give(parser *p, source s, const char *value, ken_err *err)
{
    bool there = false;
    for (int i = 0; i < p->n_given && !there; i++) there = p->given[i] == s.o;
    if (there && takes_value(s.o) && !adds_up(s.o)) cli_note("%s is given twice; the last one counts", s.shown);
    if (!there && p->n_given < MAX_GIVEN) p->given[p->n_given++] = s.o;
    return set_value(s, value, err);
}

static int parse_long(parser *p, ken_err *err)
{
    const char *name = p->argv[p->at] + 2, *eq = strchr(name, '=');
    span s = {name, eq != NULL ? (size_t)(eq - name) : strlen(name)};
    const cli_option *o = find_option(p->verb, has_name, &s);
    if (o == NULL) return unknown_long(p->verb, name, (int)s.n, err);
    char shown[80];
    snprintf(shown, sizeof shown, "--%s", o->name);
    source from = {o, shown};
    if (!takes_value(o)) {
        if (eq != NULL) return cli_fail(err, KEN_EUSAGE, "%s takes no value", shown);
        return give(p, from, NULL, err);
    }
    if (eq != NULL) return give(p, from, eq + 1, err);
    if (p->at + 1 >= p->argc) return cli_fail(err, KEN_EUSAGE, "%s needs a value (%s)", shown, o->arg);
    return give(p, from, p->argv[++p->at], err);
}

static int parse_short(parser *p, ken_err *err)
{
    for (const char *c = p->argv[p->at] + 1; *c != '\0'; c++) {
        const cli_option *o = find_option(p->verb, has_letter, c);
        if (o == NULL) return cli_fail(err, KEN_EUSAGE, "unknown option -%c", *c);
        char shown[3] = {'-', *c, '\0'};
        source from = {o, shown};
        if (takes_value(o)) {
            if (c[1] != '\0') return give(p, from, c + 1, err);
            if (p->at + 1 >= p->argc) return cli_fail(err, KEN_EUSAGE, "%s needs a value (%s)", shown, o->arg);
            return give(p, from, p->argv[++p->at], err);
        }
        int rc = give(p, from, NULL, err);
        if (rc != KEN_OK) return rc;
    }
    return KEN_OK;
}

typedef struct env_pass {
    const parser *p;
    int rc;
    ken_err *err;
} env_pass;

static void read_env(const cli_option *o, void *ctx)
{
    env_pass *pass = ctx;
    char name[80];
    cli_env_name(o, name, sizeof name);
    const char *value = name[0] != '\0' ? getenv(name) : NULL;
    for (int i = 0; i < pass->p->n_given; i++)
        if (pass->p->given[i] == o) return; /* the command line wins */
    if (value == NULL || pass->rc != KEN_OK) return;
    source from = {o, name};
    if (!takes_value(o)) pass->rc = set_flag_from_env(from, value, pass->err);
    else if (*value != '\0') pass->rc = set_value(from, value, pass->err); /* empty = not set, as is usual in shells */
}

int cli_parse(const cli_verb *v, int argc, char **argv, int *n, char **arg, ken_err *err)
{
    parser p = {.verb = v, .argc = argc, .argv = argv};
    int rc = KEN_OK;
    *n = 0;
    for (; p.at < argc && rc == KEN_OK; p.at++) {
        char *a = argv[p.at];
        if (strcmp(a, "--") == 0) {
            while (++p.at < argc) arg[(*n)++] = argv[p.at];
            break;
        }
        if (a[0] == '-' && a[1] == '-') rc = parse_long(&p, err);
        else if (a[0] == '-' && a[1] != '\0') rc = parse_short(&p, err);
        else arg[(*n)++] = a; /* "-" alone is an argument: standard input */
    }
    env_pass env = {&p, rc, err};
    if (rc == KEN_OK) cli_each_option(v, read_env, &env);
    return env.rc;
}
