/* ken.h - knowing what a language model knows. The library's public face: one header, the manual.
 *
 *     ken_err err;
 *     ken_model *m;  ken_data *d;
 *     if (ken_model_open(&m, "model.gguf", NULL, &err) != KEN_OK) { fprintf(stderr, "%s\n", err.msg); ... }
 *     if (ken_data_open(&d, "facts/", NULL, &err) != KEN_OK) ...
 *     ken_annotate_options o = ken_annotate_defaults();
 *     if (ken_annotate(m, d, &o, "facts.ken", &err) != KEN_OK) ...          resumes by itself when facts.ken exists
 *     ken_run *r;
 *     if (ken_run_open(&r, "facts.ken", &err) == KEN_OK)
 *         for (size_t i = 0; i < ken_run_count(r); i++) { const ken_row *row = ken_run_row(r, i, &err); ... }
 *     ken_run_free(r); ken_data_free(d); ken_model_free(m);
 *
 * Conventions. Functions return KEN_OK or a status and fill a ken_err (which may be NULL) with one sentence. The library
 * never exits, never prints. Strings are UTF-8. "Borrowed" pointers belong to the object they came from and live as long as it
 * unless said otherwise. `_free(NULL)` is fine. Objects are not thread-safe (one owner at a time); separate objects are
 * independent. Sources of the method: Gekhman et al., EMNLP 2024, arXiv 2405.05904 (SliCK). */
#ifndef KEN_H
#define KEN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#define KEN_API     __attribute__((visibility("default")))
#define KEN_VERSION "0.1.0"

/* ---- status and errors ---------------------------------------------------------------------------------------------- */

enum {
    KEN_OK = 0,
    KEN_EFAIL = 1,      /* the machine's fault: disk, permission, a library */
    KEN_EUSAGE = 2,     /* the caller's request makes no sense */
    KEN_EINPUT = 3,     /* bad input: a model, data or run file */
    KEN_ETHRESHOLD = 4, /* done, but a threshold asked for is not met */
    KEN_ENOMEM = 5,
    KEN_EBUSY = 6,  /* another program has the run open */
    KEN_ESTATE = 7, /* our own mistake: a call out of order */
    KEN_ESTOP = 130 /* stopped on request; everything committed is kept */
};

typedef struct ken_err {
    int status;
    char msg[1000];
} ken_err;

KEN_API int ken_exit_status(int status); /* the program's exit status for a library status: 0, 1, 2, 3, 4 or 130 */

/* ---- options -------------------------------------------------------------------------------------------------------- */

/* Structs of options begin with their size, as the caller was compiled, so that a newer library can serve an older program: what the program does
 * not have keeps its default. Take them from their _defaults function and set members by name. A program that is newer than the library
 * gets KEN_EUSAGE only when it sets something that the library does not know. Structs that the
 * library fills do not change within a major version (docs/versions.md#library). Pointers in options are borrowed for the call, or as long as the object that it makes says. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a type and a name */
#define KEN_DEFAULTS(type, name)                                                                                       \
    KEN_API void name##_fill(type *o, size_t size); /* for other languages: size bytes at o */                         \
    static inline type name(void)                                                                                      \
    {                                                                                                                  \
        type o;                                                                                                        \
        name##_fill(&o, sizeof o);                                                                                     \
        return o;                                                                                                      \
    }
/* NOLINTEND(bugprone-macro-parentheses) */

typedef struct ken_names { /* a list of names */
    const char *const *name;
    int n; /* 0 = no list */
} ken_names;

/* Choices in options are numbers: KEN_HALF_POPULAR. Their words, as a command line, a run or a manifest has them: "popular". */
typedef enum ken_words {
    KEN_WORDS_LABEL, /* KEN_LABEL_* */
    KEN_WORDS_HALF,
    KEN_WORDS_HALF_BY,
    KEN_WORDS_BALANCE,
    KEN_WORDS_KNOWN_MIX,
    KEN_WORDS_MATCH,
    KEN_WORDS_WEIGHTS,
    KEN_WORDS_SCHEDULE,
    KEN_WORDS_OPTIMIZER,
    KEN_WORDS_SHARE_PREFIXES,
    KEN_WORDS_ANSWERS,
    KEN_WORDS_OWN_ANSWERS,
    KEN_WORDS_CERTAINTY
} ken_words;
KEN_API const char *ken_word(ken_words of, int value);      /* NULL past the last; static */
KEN_API int ken_word_value(ken_words of, const char *word); /* -1 when it is none of them */

enum {                 /* which of a row's two labels counts */
       KEN_LABEL_DRAW, /* ken_row.category */
       KEN_LABEL_MODE  /* category_mode */
};

/* Called between small pieces of work (several times a second); a non-zero answer stops the work with KEN_ESTOP. */
typedef int (*ken_poll_fn)(void *ctx);

/* ---- models --------------------------------------------------------------------------------------------------------- */

typedef struct ken_model ken_model;

/* Opens a GGUF file (v2, v3), or a folder with config.json, tokenizer.json and model.safetensors (or shards with
 * model.safetensors.index.json). The files are mapped, not copied, and must not change while the model is open.
 * KEN_EINPUT with file, tensor or field when something is wrong with it. Free with ken_model_free. */
KEN_API int ken_model_open(ken_model **out, const char *path, ken_err *err);
KEN_API void ken_model_free(ken_model *m);

/* Puts a low-rank adapter on the model: a PEFT folder with adapter_config.json and adapter_model.safetensors. Whatever computes with
 * the model from now on computes with W + scale B A, and its hash is another one. Before anything was computed. Up to four
 * add up, in the order in which they were attached (KEN_EUSAGE for a fifth). KEN_EINPUT when it is damaged, made for a model of other shape, or of a kind that is not supported. */
KEN_API int ken_model_attach(ken_model *m, const char *dir, ken_err *err);

typedef struct ken_model_info {
    const char *path, *name, *format; /* name as the file says or the file's name; format "GGUF v3" or "safetensors" */
    const char *architecture;         /* "llama", "qwen2", "qwen3" */
    const char *weight_type;          /* the commonest type of the matrices: "Q4_1", "F32", ... */
    const char *hash;         /* SHA-256 of the file (folder: of its weight and config files in order), 64 hex digits;
                                               NULL until ken_model_hash was called */
    const char *source;       /* where the file says it comes from, or NULL */
    uint64_t n_params, bytes; /* weights, and their bytes in the file(s) */
    int n_layer, n_embd, n_head, n_kv_head, d_head, n_ff, n_vocab, n_ctx;
    double rope_theta, norm_eps;
    const char *rope_scaling; /* "none", "linear", "llama3", "yarn" */
    int sliding_window;       /* 0 = none */
    bool tied_head, qkv_bias, qk_norm;
    const char *tokenizer;      /* "byte-level BPE (smollm)", "SentencePiece BPE", ... */
    const char *tokenizer_hash; /* SHA-256 over everything that decides token ids */
    int bos, eos;               /* token ids, -1 = none */
    bool add_bos, add_eos;
    bool has_chat_template;
    int n_tensors;
    int n_warnings;           /* see ken_model_warning */
    const char *adapter;      /* the folder given to ken_model_attach; of several one a line; or NULL */
    const char *adapter_hash; /* SHA-256 of their files, or NULL */
    int adapter_rank;         /* the sum of theirs */
} ken_model_info;

typedef struct ken_tensor_info {
    const char *name, *type; /* type as in GGUF: "Q4_1" */
    int n_dims;
    int64_t shape[4]; /* slowest first, as PyTorch prints it */
    uint64_t bytes;
} ken_tensor_info;

/* What a model is called after its place: the last part of the path, without ".gguf"; "DIR/last" for the last weights of a training in
 * DIR; "ORG/NAME" for a snapshot in the cache of the Hugging Face hub. Cut to size bytes. */
KEN_API void ken_model_label(char *out, size_t size, const char *path);
/* Where to begin a long question in a list: multiple choice asks at the end about the passage before it. A short one whole, of others about the
 * last 240 bytes, from a word on. Points into question. */
KEN_API const char *ken_question_end(const char *question);
KEN_API const ken_model_info *ken_model_get_info(const ken_model *m);          /* borrowed */
KEN_API int ken_model_tensor(const ken_model *m, int i, ken_tensor_info *out); /* 0 <= i < n_tensors, in file order */
KEN_API const char *ken_model_warning(const ken_model *m, int i);         /* e.g. no pre-tokenizer named; borrowed */
KEN_API int ken_model_hash(ken_model *m, const char **hex, ken_err *err); /* reads the whole file once; borrowed */

/* Token ids of text (length n bytes; any bytes). With add_special, BOS/EOS as the file says; with parse_special, text such as
 * <|im_end|> becomes the control token. *ids is the caller's, free with ken_buffer_free. */
KEN_API int ken_tokenize(const ken_model *m, const char *text, size_t n, bool add_special, bool parse_special,
                         int32_t **ids, size_t *n_ids, ken_err *err);
/* The bytes that a token appends to the text; NULL when id is out of range. Control tokens have none. Borrowed, *n bytes. */
KEN_API const char *ken_token_bytes(const ken_model *m, int32_t id, size_t *n);
/* As the vocabulary spells it; borrowed; NULL out of range. */
KEN_API const char *ken_token_name(const ken_model *m, int32_t id);
/* Encodes and decodes built-in strings in many scripts; *bad counts those that do not come back byte for byte, *first_bad is
 * the first (borrowed, static). SentencePiece models may add a leading space, which is allowed for. */
KEN_API int ken_tokenizer_selftest(const ken_model *m, int *n, int *bad, const char **first_bad, ken_err *err);
KEN_API void ken_buffer_free(void *p);

/* ---- data ----------------------------------------------------------------------------------------------------------- */

typedef struct ken_data ken_data;

/* Flags of an example or a row; their names (ken_flag_name) are what `flags` prints and what the man page lists. */
enum {
    KEN_FLAG_AMBIGUOUS = 1 << 0,         /* the same question occurs with other answers */
    KEN_FLAG_DUPLICATE = 1 << 1,         /* the same question and answers occur earlier */
    KEN_FLAG_MULTI_ANSWER = 1 << 2,      /* several answers are accepted */
    KEN_FLAG_ECHO = 1 << 3,              /* an accepted answer occurs in the question */
    KEN_FLAG_EXEMPLARS_SHARED = 1 << 4,  /* the relation's exemplar sets share rows */
    KEN_FLAG_EXEMPLARS_FOREIGN = 1 << 5, /* exemplars come from all relations */
    KEN_FLAG_GOLD_HAS_STOP = 1 << 6,     /* no answer can match: it holds the stop string; no category */
    KEN_FLAG_GOLD_TOO_LONG = 1 << 7,     /* needs more than --max-new tokens; no category */
    KEN_FLAG_UNSETTLED = 1 << 8,         /* the draw's category differs between p_lo and p_hi */
    KEN_FLAG_OPEN_MASS = 1 << 9,         /* the interval is wider than the budget */
    KEN_FLAG_CHOICE = 1 << 10,           /* multiple choice: a knowledge score, no category */
    KEN_FLAG_TOO_LONG = 1 << 11,         /* the prompt does not fit the model's context; no category */
    KEN_FLAG_GUESS = 1 << 12             /* guess control: lift below log 2 */
};
KEN_API const char *ken_flag_name(int bit);    /* bit = 0, 1, ...; NULL past the last */
KEN_API const char *ken_flag_meaning(int bit); /* a sentence without its full stop; likewise */

typedef struct ken_example {
    const char *id;       /* "P36/test/12" or the data's own */
    const char *relation; /* "" when the data has none */
    const char *split;    /* "train", "dev", "test" or "" */
    const char *question;
    const char *subject;        /* NULL when not known */
    const char *const *answers; /* (n_answers) any is accepted; answers[0] is shown and trained */
    const char *const *aliases; /* (n_aliases) other names of the answers, from the alias table: for em-alias */
    int n_answers, n_aliases;
    double popularity;          /* NaN when not known */
    const char *const *choices; /* (n_choices) multiple choice, else NULL */
    int n_choices, choice;      /* the right one, 0-based; -1 */
    uint32_t flags;             /* KEN_FLAG_* that the data decides */
    int line;                   /* where it was read: file and line or place */
    const char *file;
} ken_example;

typedef struct ken_data_options {
    size_t size;
    const char *
        format; /* NULL = found from the content: entityquestions, popqa, mmlu, jsonl, csv, tsv, chat, sharegpt, alpaca, prompt,
                           axolotl, text, squad, triviaqa, nq, truthfulqa, lama */
    /* Names of fields, or paths to them: "answer.aliases". A form of its own is looked for only without the first two. */
    const char *question_field, *answer_field, *id_field, *relation_field, *subject_field, *split_field,
        *popularity_field;
    const char *
        templates; /* file of question templates by relation, for subjects and for rows without a question; NULL = EntityQuestions': found
                              beside the data */
    const char *aliases; /* JSON file: answer string -> list of aliases; NULL = none */
    bool slick;          /* the filter of docs/method/knowledge.md#filter */
    bool skip_bad;       /* drop malformed rows and count them */
} ken_data_options;

typedef struct ken_data_stats {
    size_t rows, bad, multi_answer, duplicates, ambiguous, echo;
    size_t
        cleaned; /* rows that had white space around, or invisible characters in, an answer, an option, the subject or the relation */
    size_t slick_train, slick_id_test, slick_ood_test, slick_dev; /* kept by the protocol; 0 without */
} ken_data_stats;

/* The rows of one relation in one split; they are next to each other in data order. */
typedef struct ken_data_group {
    const char *relation, *split;
    size_t first, rows; /* ken_data_get(first) .. ken_data_get(first + rows - 1) */
    size_t multi_answer, duplicates, ambiguous, echo;
    const char *majority_answer; /* the commonest first answer of the relation's train rows, else of these rows */
    size_t majority;             /* rows that accept it: the score of always giving that answer */
} ken_data_group;

KEN_DEFAULTS(ken_data_options, ken_data_defaults)
/* path: a file (also packed by gzip), a folder, or "-" for standard input. o NULL = defaults. */
KEN_API int ken_data_open(ken_data **out, const char *path, const ken_data_options *o, ken_err *err);
KEN_API void ken_data_free(ken_data *d);
KEN_API size_t ken_data_count(const ken_data *d);
/* Draws `want` rows by the seed, in proportion to the relations, all when there are no more: indices, ascending, as part of those that a
 * larger sample has. *rows (n) is the caller's, free with ken_buffer_free. */
KEN_API int ken_data_sample(const ken_data *d, size_t want, uint64_t seed, size_t **rows, size_t *n, ken_err *err);
KEN_API const ken_example *ken_data_get(const ken_data *d, size_t i); /* borrowed; data order: relation, split, place */
KEN_API const ken_data_stats *ken_data_get_stats(const ken_data *d);
/* What was decided or left out while reading and whoever uses the rows should know: a sentence; NULL past the last. Borrowed. */
KEN_API const char *ken_data_note(const ken_data *d, size_t i);
KEN_API size_t ken_data_n_groups(const ken_data *d);
/* Borrowed; data order; NULL past the last. */
KEN_API const ken_data_group *ken_data_get_group(const ken_data *d, size_t i);
KEN_API const char *ken_data_name(const ken_data *d);   /* end of the path that was opened: "entityquestions/dataset" */
KEN_API const char *ken_data_format(const ken_data *d); /* "entityquestions", ... */

/* ---- annotate ------------------------------------------------------------------------------------------------------- */

enum { KEN_HIGHLY_KNOWN, KEN_MAYBE_KNOWN, KEN_WEAKLY_KNOWN, KEN_UNKNOWN, KEN_UNLABELLED, KEN_N_CATEGORIES = 5 };
KEN_API const char *ken_category_name(int category); /* "HighlyKnown", ..., "unlabelled" */

typedef struct ken_progress {
    uint64_t done, total; /* examples */
    uint64_t counts[KEN_N_CATEGORIES];
    uint64_t token_forwards; /* positions forwarded so far in this call */
    double seconds;          /* since the call began */
    const char *stage;       /* "hashing the model", "annotating", ... */
    /* How much of the stage's work is done and how much it is expected to be, in a unit of its own: moves before the first example is done.
     * work_total 0 = nothing but done and total is known. */
    uint64_t work, work_total;
} ken_progress;
typedef void (*ken_progress_fn)(void *ctx, const ken_progress *p);

typedef struct ken_annotate_options {
    size_t size;
    int shots, prompts, samples, top_k, max_new; /* 4, 10, 16, 40, 32 */
    double temperature;                          /* 0.5 */
    const char *matcher;                         /* "em-squad" */
    uint64_t exemplar_seed, seed;                /* 0, 0 */
    const char *method;                          /* "exact" (NULL), or "sample": the literal protocol */
    double mass_budget;                          /* 0 = by g: docs/method/knowledge.md#exact-bound */
    const ken_data *exemplars;                   /* NULL = the dev split; without one, each row's are other rows */
    const ken_data *fallback; /* and these, when the data have too few others for a row; NULL = then it is an error */
    ken_names splits, relations; /* none = every split but the exemplars', all relations */
    size_t per_relation, limit;  /* 0 = all */
    size_t sample;               /* rows drawn by seed in place of the first `limit`; a larger one extends; 0 = all */
    const char *prompt_template; /* NULL = "Q: {question}\nA:" */
    const char *stop;            /* NULL = newline */
    bool chat_template, control, texts; /* false, false, true */
    int threads;                        /* 0 = all cores */
    const char *isa;                    /* NULL = the best this CPU has: "avx512", "avx2", "generic" */
    const char *compute;                /* "f32" */
    size_t memory;                      /* bytes for key-value cache; 0 = chosen */
    ken_poll_fn poll;
    ken_progress_fn progress;
    void *ctx; /* for poll and progress */
} ken_annotate_options;

typedef struct ken_plan { /* what --dry-run shows */
    size_t examples;
    size_t held_out;         /* rows that serve as exemplars and are not asked */
    bool cross_fitted;       /* each row is asked behind other ones of them: docs/method/knowledge.md#cross-fit */
    size_t measured;         /* rows that were asked for the estimate; they are not kept */
    uint64_t token_forwards; /* expected */
    uint64_t token_forwards_lo, token_forwards_hi; /* a range that holds the truth nine times in ten */
    double seconds;  /* expected, at the speed of the measurement; NaN where nothing was measured */
    uint64_t memory; /* bytes, expected peak */
    char **prompts;  /* (n_prompts) full prompts of the first examples */
    size_t n_prompts;
} ken_plan;

KEN_DEFAULTS(ken_annotate_options, ken_annotate_defaults)
/* What `method` may be, and about each a few words; i = 0, 1, ...; NULL past the last. */
KEN_API const char *ken_method_name(int i, const char **about);
/* How each matcher is written: "em-squad", "f1@T with ..."; NULL past the last. *exact: the method "exact" can use it too. */
KEN_API const char *ken_matcher_form(int i, bool *exact);
KEN_API int ken_annotate(ken_model *m, const ken_data *d, const ken_annotate_options *o, const char *run_path,
                         ken_err *err);
KEN_API int ken_annotate_plan(ken_model *m, const ken_data *d, const ken_annotate_options *o, ken_plan *out,
                              ken_err *err);
KEN_API void ken_plan_free(ken_plan *p);

/* ---- runs ----------------------------------------------------------------------------------------------------------- */

typedef struct ken_run ken_run;

typedef struct ken_drawn { /* --method sample: a text that was drawn, and how often */
    const char *text;
    int count;
    bool hit;
} ken_drawn;

typedef struct ken_prompt_row {      /* one of the ten prompts of a row */
    bool greedy_hit, greedy_hit_raw; /* under the run's matcher, and under em-raw */
    const char *text;                /* greedy answer; NULL with --no-texts or after an early stop */
    const char *finish;              /* "eos", "newline", "stop", "length", "" */
    double text_p;                   /* probability of the greedy tokens at the run's temperature and top-k */
    double margin;  /* smallest gap between the two largest logits on the greedy path, in the exact method as far as the
                      verdict depends on it: up to the token that makes the text right or rules it out */
    double top_gap; /* gap between logits at places top_k and top_k + 1, smallest on the paths with mass */
    double p_lo, p_hi, raw_lo, raw_hi;
    int hits, samples; /* seeded draw, or real samples with --method sample */
    int n_other;       /* likeliest first tokens at the root, best first */
    struct {
        const char *text;
        double p;
    } other[5];
    int n_drawn; /* sampled texts, most frequent first; none with --method exact */
    const ken_drawn *drawn;
} ken_prompt_row;

typedef struct ken_row {
    const char *id, *relation, *split, *question, *subject;
    const char *const *answers;
    int n_answers;
    const char *const *aliases; /* (n_aliases) other names that were accepted too (em-alias) */
    int n_aliases;
    const char *
        identity; /* SHA-256 of all that the row was computed from, but for the run's settings; NULL in runs of format 1 and 2 */
    const char *asked; /* SHA-256 of what the model was shown of the row: the question, and options, subject, relation
                             where the prompt has them; NULL in the same runs */
    double popularity; /* NaN = none */
    int category, category_mode;
    double p_t0, p_t, p_t_lo, p_t_hi;
    int greedy_hits, prompts, sample_hits, samples;
    double p_unknown, p_unknown_lo, p_unknown_hi, p_flip, min_margin;
    int abstain_hits;
    double p_guess, lift; /* NaN without --control */
    double score;         /* knowledge score of choice rows, else NaN */
    uint32_t flags;
    const char *method; /* "exact", "sample", "choice" */
    int n_prompt_rows;
    const ken_prompt_row *prompt_rows;
} ken_row;

typedef struct ken_counts {
    const char *relation; /* "" for the total */
    uint64_t n, category[KEN_N_CATEGORIES];
    double expected_unknown, sd_unknown; /* over fresh annotations (docs/method/knowledge.md#flip) */
    double mean_p_t0, mean_p_t;
    double majority_share; /* of the commonest answer */
    double echo_share;
    /* By category: rows in which a greedy text that the matcher rejects has an accepted answer in it, as whole words. Without rows whose
     * question names the answer: there the text may only repeat it. */
    uint64_t said[KEN_N_CATEGORIES];
    uint64_t unknown_without_text; /* Unknown rows that keep no greedy text: whether it is so there cannot be told */
    uint64_t sentences;            /* rows whose accepted answers are sentences: five words or more on the average */
} ken_counts;

/* Read-only; KEN_EINPUT when it is not a run. */
KEN_API int ken_run_open(ken_run **out, const char *path, ken_err *err);
KEN_API void ken_run_free(ken_run *r);
/* Asked for each row that is read from now on, by whatever reads it (ken_diff_runs, ken_score, ken_report_new, ...), which then ends with
 * KEN_ESTOP; poll NULL = never, as at first. ctx must live as long as the run. */
KEN_API void ken_run_set_poll(ken_run *r, ken_poll_fn poll, void *ctx);
KEN_API size_t ken_run_count(const ken_run *r);                         /* rows annotated so far */
KEN_API const ken_row *ken_run_row(ken_run *r, size_t i, ken_err *err); /* data order; borrowed until the next call */
/* NULL and KEN_EINPUT when there is none. */
KEN_API const ken_row *ken_run_find(ken_run *r, const char *id, ken_err *err);
/* A setting of the run, or "token_forwards" and "seconds": what all sessions together have spent. Borrowed; NULL when absent. */
KEN_API const char *ken_run_setting(const ken_run *r, const char *key);
KEN_API size_t ken_run_n_relations(const ken_run *r);
KEN_API const ken_counts *ken_run_relation(const ken_run *r, size_t i); /* borrowed */
KEN_API const ken_counts *ken_run_total(const ken_run *r);
KEN_API bool ken_run_complete(const ken_run *r); /* all rows asked for are in it */

/* What a reader of an annotation should know that is not in its rows: that its data changed while it was made, and what became of which rows. A
 * sentence; NULL past the last. Borrowed. */
KEN_API const char *ken_run_note(const ken_run *r, size_t i);

/* ---- training and evaluation runs ----------------------------------------------------------------------------------- */

/* A run of kind "train" or "eval" has no annotated rows (ken_run_count is 0) but points: moments of a training at which
 * something was measured. An evaluation has one point, at step 0. */
KEN_API const char *ken_run_kind(const ken_run *r); /* "annotate", "train" or "eval"; borrowed */

typedef struct ken_point {
    int64_t step;               /* optimizer steps done; 0 = before training */
    double epoch;               /* passes over the training set done */
    double lr;                  /* of the last step; NaN at step 0 */
    double loss, kl, grad_norm; /* means over the steps since the point before: -log p a target token, KL to the
                                            teacher a target token, gradient norm before clipping; NaN = none */
    double seconds;             /* since the beginning, other sessions included */
    uint64_t examples, tokens,
        forwards;    /* since the beginning: examples trained on, their target tokens, rows forwarded */
    bool best, last; /* kept as the best and as the last weights */
    double
        kl_base; /* KL(before training || now) at dev's target positions, teacher-forced, the mean in nats; NaN = none */
    uint64_t kl_positions; /* how many these are */
} ken_point;

enum { KEN_MORE_MATCHERS = 8 };

/* What was measured of one group of one set at one point. */
typedef struct ken_measure {
    const char *set;      /* "train", "dev", "test", "ood", "eval", "mix:NAME", "text:NAME", "mmlu" */
    const char *grouping; /* "all", "category", "relation", "popularity", "split", "task", "answer" */
    const char
        *key; /* "" for "all", else as in "HighlyKnown", "P36", "1" (quartile, 1 = least popular); of "answer": "empty",
                             "cut off" (at the limit of its length), "whole"; rows whose answer was stopped early have none */
    uint64_t n;         /* rows */
    uint64_t hits;      /* correct greedy answers under the run's matcher */
    uint64_t hits_raw;  /* under em-raw */
    uint64_t abstained; /* answers that decline to answer */
    uint64_t answered;  /* the others; n - abstained - answered prompts did not fit the context */
    double loss;        /* sum of -log p of the target tokens; NaN = not measured */
    uint64_t tokens;    /* target tokens */
    uint64_t bytes;     /* "text:NAME": bytes of the tokens' text */
    double p;           /* multiple choice: sum of the probabilities of the right letter; NaN otherwise */
    int n_more;         /* further matchers */
    struct {
        const char *matcher;
        uint64_t hits;
    } more[KEN_MORE_MATCHERS];
} ken_measure;

typedef struct ken_trained {          /* a row that was trained on */
    const char *id, *relation, *task; /* "" when there is none */
    int category;                     /* KEN_HIGHLY_KNOWN ... KEN_UNLABELLED; KEN_N_CATEGORIES when not annotated */
    const char *question, *target;    /* NULL = not stored */
    double weight;                    /* of its loss */
    const char *subject;              /* NULL = not known, as in runs before format 4 */
} ken_trained;

typedef struct ken_evaluated { /* a row that was asked */
    const char *set, *id, *relation, *split;
    int category;                  /* as above */
    double popularity;             /* NaN = none */
    const char *question, *answer; /* the first accepted one; NULL = not stored */
    const char *text;              /* the model's; NULL when it was stopped early or not stored */
    const char *finish;            /* "eos", "newline", "stop", "length", "" */
    bool hit, hit_raw, abstained, too_long;
    uint32_t more; /* bit i: accepted by more[i] of the set's measures */
    double p;      /* multiple choice: probability of the right letter; NaN otherwise */
} ken_evaluated;

KEN_API size_t ken_run_n_points(const ken_run *r);
KEN_API const ken_point *ken_run_point(const ken_run *r, size_t i); /* by step; borrowed; NULL past the last */
/* Everything measured at a step, by set, grouping and key. Borrowed until the next call. */
KEN_API int ken_run_measures(ken_run *r, int64_t step, const ken_measure **m, size_t *n, ken_err *err);
/* The one of m (n) for a set, grouping and key ("" for "all"), or NULL. */
KEN_API const ken_measure *ken_measure_find(const ken_measure *m, size_t n, const char *set, const char *grouping,
                                            const char *key);
KEN_API size_t ken_run_n_trained(const ken_run *r);
/* Borrowed until the next call. */
KEN_API const ken_trained *ken_run_trained(ken_run *r, size_t i, ken_err *err);
/* fitted (ken_run_n_trained): was the row answered correctly at that step? The caller's array. *there = false when the fit was
 * not measured then. */
KEN_API int ken_run_fit(ken_run *r, int64_t step, bool *fitted, bool *there, ken_err *err);
typedef struct
    ken_convergence { /* of a training, at the last point that asked its training rows; step -1 = there is none */
    int64_t step;
    double epoch;
    uint64_t fitted, asked; /* training rows answered correctly, asked */
    bool converged;         /* 99 % of them or more are fitted (docs/method/fine-tuning.md#early-stop) */
    double first_epoch;     /* of the first point where so many were; NaN = none */
} ken_convergence;
KEN_API int ken_run_convergence(ken_run *r, ken_convergence *out, ken_err *err);
typedef struct ken_never_fitted {
    size_t rows,
        of; /* training rows that no point after the beginning found answered correctly, of those that can be asked */
    size_t points; /* that measured the fit of every row; 0 = none did, and nothing is known */
} ken_never_fitted;
/* never (ken_run_n_trained): the caller's array. */
KEN_API int ken_run_never_fitted(ken_run *r, bool *never, ken_never_fitted *out, ken_err *err);
/* Calls f for each evaluated row of a step, by set and place; rows are borrowed during the call. A status other than KEN_OK
 * from f ends it and is returned. */
KEN_API int ken_run_evaluated(ken_run *r, int64_t step, int (*f)(void *ctx, const ken_evaluated *row, ken_err *err),
                              void *ctx, ken_err *err);

/* ---- explain -------------------------------------------------------------------------------------------------------- */

typedef struct ken_path { /* one way to answer */
    const char *tokens;   /* its tokens joined by "|", printable */
    const char *text;     /* the answer it gives */
    double p;
    bool accepted;
} ken_path;

typedef struct ken_explained_prompt {
    const char *prompt;       /* whole prompt text */
    const ken_path *accepted; /* (n_accepted) token paths that carry the answer's mass, largest first */
    int n_accepted;
    /* (n_instead) the likeliest first tokens, each completed greedily: what the model would say, best first */
    const ken_path *instead;
    int n_instead;
} ken_explained_prompt;

typedef struct ken_explanation {
    ken_row row;
    int n_prompts;
    const ken_explained_prompt *prompts;
} ken_explanation;

typedef struct ken_explain_request { /* a row of a run, or a question of one's own */
    ken_run *run; /* with id: its settings, exemplars, question and answers; o is used for threads, isa and poll only */
    const char *id;
    const char *question; /* with answers: exemplars from relation (NULL = the first one there is) of data */
    const char *const *answers;
    int n_answers;
    const ken_data *data;
    const char *relation;
} ken_explain_request;

/* Runs the model for one question. A model other than the run's is allowed (KEN_OK), and the caller may warn: compare
 * ken_run_setting(run, "model_hash"). Free with ken_explanation_free. */
KEN_API int ken_explain(ken_model *m, const ken_explain_request *q, const ken_annotate_options *o,
                        ken_explanation **out, ken_err *err);
KEN_API void ken_explanation_free(ken_explanation *x);

/* ---- this build ----------------------------------------------------------------------------------------------------- */

/* Version, revision, CPU features, ISA in use, library versions; one fact a line; static. */
KEN_API const char *ken_build_info(void);

#include "ken_tune.h"  /* evaluation, what is trained on, selection, export, training */
#include "ken_study.h" /* what runs say together: differences, labels scored again, the linear model, reports */
#include "ken_lab.h"   /* the laboratory: the one-layer theory, a synthetic world, random models */
#include "ken_views.h" /* how results are shown: terminal, JSON, CSV, LaTeX */

#ifdef __cplusplus
}
#endif
#endif
