/* words.h - the short forms in which options say what ken.h has structs for: "unknown=50", "r=16,alpha=32", "attention,layers=0-3". Each is an option of
 * type CLI_PARSED: a parser (value, text, what the option is called; KEN_EUSAGE), and where there is a default, what shows it. */
#ifndef KEN_CLI_WORDS_H
#define KEN_CLI_WORDS_H
#include "ken.h"

typedef int cli_parse_fn(void *value, const char *text, const char *shown, ken_err *err);
typedef void cli_show_fn(const void *value, char *out, size_t n);

cli_parse_fn cli_parse_categories; /* unsigned: "HighlyKnown,Unknown"; Known is the first three. Several lists add up */
cli_parse_fn cli_parse_variant;    /* ken_variant_choice: "unknown=50", "known=50", "natural", a category */
cli_parse_fn cli_parse_lora;       /* ken_lora_options: "r=16[,alpha=32][,dropout=0][,targets=q_proj,...]" */
cli_parse_fn cli_parse_parts;      /* ken_parts: "attention,norms,layers=0-3" */
cli_parse_fn cli_parse_teacher;    /* int, epochs: "base", "epoch:N" */
cli_show_fn cli_show_teacher;

typedef struct cli_warmup {
    int64_t steps; /* -1: a share */
    double share;
} cli_warmup;
cli_parse_fn cli_parse_warmup; /* cli_warmup: "100" steps, "3%" */
cli_show_fn cli_show_warmup;

enum { CLI_MAX_NUMBERS = 64 };
typedef struct cli_reals {
    double x[CLI_MAX_NUMBERS];
    int n;
} cli_reals;
cli_parse_fn cli_parse_reals; /* cli_reals: "0.6,1,1.4" */
cli_show_fn cli_show_reals;
typedef struct cli_counts {
    int64_t x[CLI_MAX_NUMBERS];
    int n;
} cli_counts;
cli_parse_fn cli_parse_counts; /* cli_counts: "15000,30k,1M" */
cli_show_fn cli_show_counts;
cli_parse_fn cli_parse_count; /* int64_t: one of these */
cli_show_fn cli_show_count;
cli_parse_fn cli_parse_arms; /* unsigned, bits 1 << KEN_ARM_*: "Bottom,Top"; Several lists add up */
cli_show_fn cli_show_arms;

enum { CLI_MAX_RULES = 16 };
typedef struct cli_rules {
    ken_score_rule rule[CLI_MAX_RULES];
    int n;
} cli_rules;
cli_parse_fn cli_parse_rules; /* cli_rules: "HighlyKnown:p_t>=0.85,MaybeKnown:p_t>=0.3,Unknown" */
#endif
