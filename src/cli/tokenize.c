/* tokenize.c - `ken tokenize`: the token ids of texts, the vocabulary, and a round-trip self-test. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/progress.h"
#include "cli/term.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *model, *input;
    bool ids, vocab, special, parse_special, selftest;
} set;

static const cli_option options[] = {
    {"model", 'm', "FILE|DIR", CLI_STRING, &set.model,
     "the model whose tokenizer is used (default: $KEN_MODEL, else the default model)", .flags = CLI_PATH},
    {"input", 'i', "FILE", CLI_STRING, &set.input, "tokenize a whole file; - is standard input",
     .flags = CLI_IO | CLI_PATH},
    {"ids", 0, NULL, CLI_FLAG, &set.ids, "print the ids alone, one text a line", .flags = 0},
    {"special", 0, NULL, CLI_FLAG, &set.special, "add BOS and EOS as the model does", .flags = 0},
    {"parse-special", 0, NULL, CLI_FLAG, &set.parse_special, "let text such as <|im_end|> stand for the control token",
     .flags = 0},
    {"vocab", 0, NULL, CLI_FLAG, &set.vocab, "list the whole vocabulary", .flags = 0},
    {"selftest", 0, NULL, CLI_FLAG, &set.selftest, "encode and decode built-in strings in many scripts", .flags = 0},
    {0}};

/* ---- reading -------------------------------------------------------------------------------------------------------- */

enum { MAX_INPUT = 1 << 30 };

/* *text is the caller's, free it; any bytes. */
static int read_input(const char *path, char **text, size_t *n, ken_err *err)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (f == NULL) return cli_fail(err, KEN_EINPUT, "%s: %s", path, strerror(errno));
    int rc = KEN_OK;
    size_t cap = 0;
    *text = NULL;
    *n = 0;
    for (;;) {
        if (*n == cap) {
            cap = cap == 0 ? 1 << 16 : 2 * cap;
            char *bigger = cap > MAX_INPUT ? NULL : realloc(*text, cap);
            if (bigger == NULL) {
                rc = cli_fail(err, cap > MAX_INPUT ? KEN_EINPUT : KEN_ENOMEM, "%s: larger than this verb takes (%d MB)",
                              path, MAX_INPUT >> 20);
                break;
            }
            *text = bigger;
        }
        size_t got = fread(*text + *n, 1, cap - *n, f);
        *n += got;
        if (got == 0) break;
    }
    if (rc == KEN_OK && ferror(f)) rc = cli_fail(err, KEN_EINPUT, "%s: %s", path, strerror(errno));
    if (f != stdin) fclose(f);
    return rc;
}

/* ---- printing ------------------------------------------------------------------------------------------------------- */

/* The bytes of a token inside quotes: what is printable ASCII or whole UTF-8 as it is, the rest as \xNN. out (n). */
static void piece_text(const char *bytes, size_t len, char *out, size_t n)
{
    char whole[400];
    size_t w = 0;
    if (len + 1 > sizeof whole) len = sizeof whole - 1;
    if (len > 0) memcpy(whole, bytes, len);
    whole[len] = '\0';
    json_t *test = memchr(whole, '\0', len) == NULL ? json_string(whole) : NULL; /* jansson knows what is UTF-8 */
    for (size_t i = 0; i < len && w + 5 < n; i++) {
        unsigned char c = (unsigned char)whole[i];
        if (c == '\n') w += (size_t)snprintf(out + w, n - w, "\\n");
        else if (c == '\t') w += (size_t)snprintf(out + w, n - w, "\\t");
        else if (c == '"' || c == '\\') w += (size_t)snprintf(out + w, n - w, "\\%c", c);
        else if (c < 0x20 || c == 0x7f || (c >= 0x80 && test == NULL))
            w += (size_t)snprintf(out + w, n - w, "\\x%02x", c);
        else out[w++] = (char)c;
    }
    out[w] = '\0';
    json_decref(test);
}

/* What a person wants to see of a token: its bytes, or the name of a control token. */
static void token_text(const ken_model *m, int32_t id, char *out, size_t n)
{
    size_t len;
    const char *bytes = ken_token_bytes(m, id, &len);
    if (bytes != NULL && len > 0) piece_text(bytes, len, out, n);
    else snprintf(out, n, "%s", ken_token_name(m, id) != NULL ? ken_token_name(m, id) : "?");
}

static int print_tokens(const ken_model *m, const char *text, size_t n, ken_err *err)
{
    int32_t *ids = NULL;
    size_t count = 0;
    int rc = ken_tokenize(m, text, n, set.special, set.parse_special, &ids, &count, err);
    if (rc != KEN_OK) return rc;
    char piece[500];
    if (cli.json) {
        json_t *list = json_array(), *pieces = json_array();
        for (size_t i = 0; i < count; i++) {
            token_text(m, ids[i], piece, sizeof piece);
            json_array_append_new(list, json_integer(ids[i]));
            json_array_append_new(pieces, cli_json_string(piece));
        }
        rc = cli_json_print(json_pack("{s:I,s:o,s:o}", "n", (json_int_t)count, "ids", list, "tokens", pieces), err);
    } else if (set.ids) {
        for (size_t i = 0; i < count; i++) printf("%s%" PRId32, i > 0 ? " " : "", ids[i]);
        putchar('\n');
    } else {
        for (size_t i = 0; i < count; i++) {
            token_text(m, ids[i], piece, sizeof piece);
            printf("%s%8" PRId32 "%s  \"", term_on(TERM_DIM), ids[i], term_off());
            term_text(piece);
            printf("\"\n");
        }
    }
    ken_buffer_free(ids);
    return rc;
}

static void print_vocab(const ken_model *m)
{
    char piece[500];
    for (int32_t id = 0; id < ken_model_get_info(m)->n_vocab; id++) {
        token_text(m, id, piece, sizeof piece);
        printf("%" PRId32 "\t", id);
        term_text(piece);
        putchar('\n');
    }
}

static int print_selftest(const ken_model *m, ken_err *err)
{
    int n = 0, bad = 0;
    const char *first = NULL;
    const ken_model_info *f = ken_model_get_info(m);
    int rc = ken_tokenizer_selftest(m, &n, &bad, &first, err);
    if (rc != KEN_OK) return rc;
    if (cli.json) {
        json_t *o = json_pack("{s:o,s:i,s:s,s:i,s:i,s:o}", "tokenizer", cli_json_string(f->tokenizer), "vocab",
                              f->n_vocab, "hash", f->tokenizer_hash, "selftest", n, "selftest_bad", bad, "first_bad",
                              cli_json_string(bad ? first : NULL));
        rc = cli_json_print(o, err);
    } else {
        char count[32];
        printf("%s, %s tokens\n", f->tokenizer, ken_count_text(count, (uint64_t)f->n_vocab));
        if (bad == 0) printf("self-test: all of %d strings come back byte for byte\n", n);
        else {
            printf("self-test: %d of %d strings do not come back; the first: ", bad, n);
            term_text(first);
            putchar('\n');
        }
    }
    if (rc == KEN_OK && bad > 0)
        rc =
            cli_fail(err, KEN_EINPUT,
                     "%s: the tokenizer loses text in %d of %d self-test strings; probabilities of text would be wrong",
                     f->path, bad, n);
    return rc;
}

static int run(int n, char **arg, ken_err *err)
{
    ken_model *m = NULL;
    char *text = NULL;
    size_t len = 0;
    const char *path = cli_model_path(set.model, err);
    if (path == NULL) return err->status;
    int rc = cli_model_open(&m, path, NULL, err);
    if (rc != KEN_OK) goto done;
    term_start();
    for (int i = 0; i < n && rc == KEN_OK; i++) rc = print_tokens(m, arg[i], strlen(arg[i]), err);
    if (rc == KEN_OK && set.input != NULL) {
        rc = read_input(set.input, &text, &len, err);
        if (rc == KEN_OK) rc = print_tokens(m, text, len, err);
    }
    if (rc == KEN_OK && set.vocab) print_vocab(m);
    if (rc == KEN_OK && (set.selftest || (n == 0 && set.input == NULL && !set.vocab))) rc = print_selftest(m, err);
done:
    free(text);
    ken_model_free(m);
    return rc;
}

const cli_verb cli_verb_tokenize = {
    .name = "tokenize",
    .args = "[-m FILE|DIR] [TEXT ...]",
    .summary = "show a model's tokens: of a text, of a file, or all of them",
    .text = "Prints the token ids of each TEXT with the bytes they stand for. Without a text it runs a self-test: "
            "strings in many scripts, with odd spacing, digits and emoji must come back byte for byte after encoding "
            "and decoding.",
    .examples = "ken tokenize 'Paris is the capital of France'\nken tokenize --ids -i corpus.txt\nken tokenize -m "
                "model.gguf --vocab",
    .run = run,
    .tables = {options},
    .min_args = 0,
    .max_args = -1,
};
