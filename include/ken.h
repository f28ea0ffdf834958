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
 * the model from now on computes with W + scale B A, and its hash is another one. Before anything was computed; one adapter a
 * model (KEN_EUSAGE for a second). KEN_EINPUT when it is damaged, made for a model of other shape, or of a kind that is not supported. */
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
    const char *adapter;      /* the folder given to ken_model_attach, or NULL */
    const char *adapter_hash; /* SHA-256 of its files, or NULL */
    int adapter_rank;
} ken_model_info;

typedef struct ken_tensor_info {
    const char *name, *type; /* type as in GGUF: "Q4_1" */
    int n_dims;
    int64_t shape[4]; /* slowest first, as PyTorch prints it */
    uint64_t bytes;
} ken_tensor_info;

/* What a model is called after its place: the last part of the path, without ".gguf"; "DIR/last" for the last weights of a training in
 * DIR. Cut to size bytes. */
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
KEN_API const char *ken_flag_name(int bit); /* bit = 0, 1, ...; NULL past the last */

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
    const char *format; /* NULL = found from the content: entityquestions, popqa, mmlu, jsonl, csv, tsv */
    const char *question_field, *answer_field, *id_field, *relation_field, *subject_field, *split_field,
        *popularity_field;
    const char *templates; /* EntityQuestions: file of question templates; NULL = found beside the data */
    const char *aliases;   /* JSON file: answer string -> list of aliases; NULL = none */
    bool slick;            /* the filter of docs/method/knowledge.md#filter */
    bool skip_bad;         /* drop malformed rows and count them */
} ken_data_options;

typedef struct ken_data_stats {
    size_t rows, bad, multi_answer, duplicates, ambiguous, echo;
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

KEN_API ken_data_options ken_data_defaults(void);
/* o NULL = defaults. */
KEN_API int ken_data_open(ken_data **out, const char *path, const ken_data_options *o, ken_err *err);
KEN_API void ken_data_free(ken_data *d);
KEN_API size_t ken_data_count(const ken_data *d);
KEN_API const ken_example *ken_data_get(const ken_data *d, size_t i); /* borrowed; data order: relation, split, place */
KEN_API const ken_data_stats *ken_data_get_stats(const ken_data *d);
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
} ken_progress;
typedef void (*ken_progress_fn)(void *ctx, const ken_progress *p);

typedef struct ken_annotate_options {
    int shots, prompts, samples, top_k, max_new; /* 4, 10, 16, 40, 32 */
    double temperature;                          /* 0.5 */
    const char *matcher;                         /* "em-squad" */
    uint64_t exemplar_seed, seed;                /* 0, 0 */
    const char *method;                          /* "exact" (NULL), or "sample": the literal protocol */
    double mass_budget;                          /* 0 = by g: docs/method/knowledge.md#exact-bound */
    const ken_data *exemplars;                   /* NULL = the dev split, or rows held out */
    const char *splits, *relations;              /* comma lists; NULL = every split but the exemplars', all relations */
    size_t per_relation, limit;                  /* 0 = all */
    const char *prompt_template;                 /* NULL = "Q: {question}\nA:" */
    const char *stop;                            /* NULL = newline */
    bool chat_template, control, texts;          /* false, false, true */
    int threads;                                 /* 0 = all cores */
    const char *isa;                             /* NULL = the best this CPU has: "avx512", "avx2", "generic" */
    const char *compute;                         /* "f32" */
    size_t memory;                               /* bytes for key-value cache; 0 = chosen */
    ken_poll_fn poll;
    ken_progress_fn progress;
    void *ctx; /* for poll and progress */
} ken_annotate_options;

typedef struct ken_plan { /* what --dry-run shows */
    size_t examples, held_out;
    uint64_t token_forwards; /* expected */
    double seconds;          /* expected, from a short measurement */
    uint64_t memory;         /* bytes, expected peak */
    char **prompts;          /* (n_prompts) full prompts of the first examples */
    size_t n_prompts;
} ken_plan;

KEN_API ken_annotate_options ken_annotate_defaults(void);
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
    double margin;                   /* smallest gap between the two largest logits on the greedy path */
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
} ken_point;

enum { KEN_MORE_MATCHERS = 8 };

/* What was measured of one group of one set at one point. */
typedef struct ken_measure {
    const char *set;      /* "train", "dev", "test", "ood", "eval", "mix:NAME", "text:NAME", "mmlu" */
    const char *grouping; /* "all", "category", "relation", "popularity", "split", "task" */
    const char *key;      /* "" for "all", else as in "HighlyKnown", "P36", "1" (quartile, 1 = least popular) */
    uint64_t n;           /* rows */
    uint64_t hits;        /* correct greedy answers under the run's matcher */
    uint64_t hits_raw;    /* under em-raw */
    uint64_t abstained;   /* answers that decline to answer */
    uint64_t answered;    /* the others; n - abstained - answered prompts did not fit the context */
    double loss;          /* sum of -log p of the target tokens; NaN = not measured */
    uint64_t tokens;      /* target tokens */
    uint64_t bytes;       /* "text:NAME": bytes of the tokens' text */
    double p;             /* multiple choice: sum of the probabilities of the right letter; NaN otherwise */
    int n_more;           /* further matchers */
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
/* Calls f for each evaluated row of a step, by set and place; rows are borrowed during the call. A status other than KEN_OK
 * from f ends it and is returned. */
KEN_API int ken_run_evaluated(ken_run *r, int64_t step, int (*f)(void *ctx, const ken_evaluated *row, ken_err *err),
                              void *ctx, ken_err *err);

/* ---- evaluate ------------------------------------------------------------------------------------------------------- */

typedef struct ken_evaluate_options {
    int shots; /* exemplars in front of a question. 0: the prompt of a training (docs/method/fine-tuning.md#format); else
                                      that of an annotation, with its first set. -1: 0, and 5 for multiple choice */
    const char
        *prompt_template;   /* NULL = "Answer the following question.\n{question}\n", with shots "Q: {question}\nA:" */
    bool chat_template;     /* false */
    const char *stop;       /* NULL = newline */
    int max_new;            /* 32 */
    const char *matchers;   /* "em-squad"; comma list: the first one decides hits, the others are counted beside it */
    const char *const *idk; /* (n_idk) answers that decline to answer, besides the usual ones */
    int n_idk;
    bool texts;                /* complete and keep the answers (true); else stop when one cannot be right any more */
    uint64_t exemplar_seed;    /* 0 */
    const ken_data *exemplars; /* as in ken_annotate_options */
    const char *splits, *relations;
    size_t per_relation, limit;
    ken_run *labels;               /* an annotation: categories, joined by id; or NULL */
    const char *const *text_files; /* (n_text_files) UTF-8 texts to take the perplexity of */
    int n_text_files;
    int window,
        stride;  /* tokens of context for them (0 = 1024, or the model's context), and between windows (0 = window) */
    int threads; /* as in ken_annotate_options */
    const char *isa, *compute;
    size_t memory;
    ken_poll_fn poll;
    ken_progress_fn progress;
    void *ctx;
} ken_evaluate_options;

typedef struct ken_evaluation ken_evaluation;

KEN_API ken_evaluate_options ken_evaluate_defaults(void);
/* Asks the model each question, greedily, and measures by category, relation, split and quartile of popularity; multiple choice rows
 * are scored by their letters (set "mmlu"), texts by their perplexity (sets "text:NAME"). d may be NULL when there are texts. Free with
 * ken_evaluation_free. */
KEN_API int ken_evaluate(ken_evaluation **out, ken_model *m, const ken_data *d, const ken_evaluate_options *o,
                         ken_err *err);
KEN_API void ken_evaluation_free(ken_evaluation *e);
KEN_API const ken_measure *ken_evaluation_measures(const ken_evaluation *e,
                                                   size_t *n); /* by set, grouping, key; borrowed */
KEN_API const ken_evaluated *ken_evaluation_rows(const ken_evaluation *e, size_t *n); /* data order; borrowed */
/* As ken_run_setting: "template", "matcher", ..., "token_forwards", "seconds"; "commonest_answer" and "commonest_count": what the model
 * says most often, normalised, and how often (with texts). */
KEN_API const char *ken_evaluation_setting(const ken_evaluation *e, const char *key);
/* A run of kind "eval" at path, whole or not at all; replaces an older evaluation, refuses to replace anything else. */
KEN_API int ken_evaluation_save(const ken_evaluation *e, const char *path, ken_err *err);
/* Can it be saved there? To be called before hours of work. */
KEN_API int ken_evaluation_probe(const char *path, ken_err *err);

typedef struct ken_change { /* of one group between two evaluations of the same rows */
    const char *set, *grouping, *key;
    uint64_t n, before, after; /* rows that both have; correct ones */
    uint64_t lost, gained;     /* correct only before, only after */
    double p;                  /* exact McNemar test, two-sided: as uneven a change by chance */
} ken_change;

/* Against an earlier evaluation: rows are joined by set and id. Borrowed from e, until the next call. KEN_EINPUT when none of the
 * rows is in it. */
KEN_API int ken_evaluation_changes(ken_evaluation *e, ken_run *before, const ken_change **c, size_t *n, ken_err *err);

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

/* ---- what is trained on --------------------------------------------------------------------------------------------- */

typedef struct ken_mix { /* rows of another task, drawn into every batch beside the main ones (docs/data.md) */
    const char *path;
    double weight; /* the main rows have 1: of each batch weight / (1 + all weights) comes from here */
} ken_mix;

/* Rows of one place, and what is done with them before training, in this order: read, labelled, selected, a variant drawn,
 * a known tail appended, targets replaced, weighted, mixed with other tasks. docs/data.md has the formats. */
typedef struct ken_train_data {
    /* a run; data as ken_data_open reads them; or a JSONL file of prompts and completions, conversations, ... */
    const char *path;
    const char
        *labels; /* a run that says the category and P_Correct of each row, joined by id; NULL = what path says */
    bool labels_optional;  /* a row of that run counts only where its question is the same, and it may have none */
    ken_data_options read; /* how data are read; its skip_bad drops and counts any row that cannot be used */

    const char *categories;   /* comma list of category names; NULL = all rows, annotated or not */
    const char *label;        /* which label counts: NULL or "draw" (ken_row.category), "mode" (category_mode) */
    const char *relations;    /* comma list; NULL = all */
    const char *splits;       /* comma list; NULL = prefer_split where there are rows of it, else all */
    const char *prefer_split; /* "train" */
    double p_min, p_max;      /* of P_Correct (p_t); 0, 1 = all rows */
    double p_unknown_min, p_unknown_max;   /* of p_unknown, the probability that every sample misses; 0, 1 */
    double popularity_min, popularity_max; /* NaN = no bound */
    /* Subjects are spread over 0 to 1 by their names alone, and rows of those from subject_min to below subject_max are taken: parts that
     * have no subject in common, whatever else is asked for. Rows without a subject go by their question. 0, 1 = all. */
    double subject_min, subject_max;

    /* "popular", "unpopular": the half of these rows with the larger, the smaller key; "random": as many. NULL = all. An odd one out is in
     * no half, nor is a row without the key. */
    const char *half;
    const char *half_by;        /* "popularity", "p" (P_Correct); NULL = popularity where there is one, else p */
    bool half_within;           /* halves of each relation */
    size_t per_relation, limit; /* the first rows of each relation, of all; 0 = all */
    bool sample;                /* drawn rows in place of the first */
    const char *balance;        /* "category", "relation": as many rows of each; NULL = as they come */

    /* NULL = the rows selected; "unknown=50": half of them Unknown, the same relations in every such variant; "known=50": that
     * without its Unknown rows; "natural"; or the name of one category. size 0 = the least category of each relation, summed. */
    const char *variant;
    const char
        *known_mix;    /* NULL or "natural": as in the relation; "equal", "HighlyKnown", "MaybeKnown", "WeaklyKnown" */
    size_t size;       /* of the variant, or of the balanced set */
    bool concentrated; /* the variant's Unknown rows fill whole relations, in an order drawn by seed */
    /* Against popularity, which correlates with being known: "pairs": only rows that pair up, Known with Unknown, in one relation and decile of
     * popularity (of the answer's frequency where data say no popularity); "control": such a Known row in place of each Unknown row of
     * the variant. NULL = neither. */
    const char *match;

    /* Share of the rows to append as Known rows in a last, unshuffled part of each epoch. 0 = none but the rows whose field
     * known_tail is true, as in files of ken_export. */
    double known_tail;
    bool known_tail_mixed; /* the control: the same rows, shuffled in */
    const char *const
        *idk; /* (n_idk) target of Unknown rows, as "I don't know": each draws one; none = their answers */
    int n_idk;
    bool idk_random;     /* the control: as many rows, drawn from all */
    const char *weights; /* NULL or "file": what the file's field `weight` says; "p": P_Correct^gamma; "none": 1 */
    double weight_gamma,
        weight_min; /* "p": max(weight_min, P^weight_gamma), then mean 1; 1, 0. P of an abstention is 1 - P */

    const char *prompt_template; /* NULL = "Answer the following question.\n{question}\n"; the answer follows */
    bool chat_template;          /* the prompt is a turn of a conversation in the model's format */
    size_t max_length; /* rows of more tokens are dropped and counted; 0 = rows beyond the context are errors */

    const ken_mix *mix; /* (n_mix) */
    size_t n_mix;
    uint64_t seed;    /* of everything that is drawn here; 0 */
    ken_poll_fn poll; /* asked while a run is read; ken_train asks its own besides it */
    void *ctx;
} ken_train_data;

typedef struct ken_train_data_stats {
    size_t rows, mixed;                    /* main rows, and those of other tasks */
    size_t category[KEN_N_CATEGORIES + 1]; /* of the main rows; the last: not annotated */
    size_t tail, tail_repeated;            /* rows of the known tail; of those drawn, rows that are in the rest too */
    size_t relabelled;                     /* targets replaced by `idk` */
    size_t bad, too_long;                  /* dropped: malformed or refused, longer than max_length */
    size_t unmatched;                      /* rows that the run of `labels` does not have */
    size_t newline;                        /* targets that hold a newline, where `ken eval` stops reading an answer */
    size_t choice;                         /* rows of multiple choice, whose options are not part of the question */
    size_t duplicates, conflicts;          /* prompts that occur earlier with the same target, with another one */
    size_t relations_left_out;             /* relations of which a variant takes nothing */
    size_t spread;                         /* rows of a variant from relations that lack either Known or Unknown rows */
    size_t unranked, middle;               /* of `half`: rows without its key; rows in the middle of an odd number */
    size_t matched, partnerless;           /* of `match`: pairs or replaced rows; Unknown rows that nothing matches */
    const char *ranked_by, *matched_by;    /* "popularity", "p"; "popularity", "answer"; NULL = neither */
    uint64_t tokens, targets;              /* of all rows; targets: those that carry loss */
} ken_train_data_stats;

KEN_API ken_train_data ken_train_data_defaults(void);

/* ---- select --------------------------------------------------------------------------------------------------------- */

/* A fine-tuning set: the rows that ken_train would be given, without a model. */
typedef struct ken_selection ken_selection;

typedef struct ken_selected { /* "" or NULL where there is none; NaN where it is not known */
    const char *id, *relation, *split;
    const char *question, *subject;
    const char *const *answers; /* (n_answers) accepted */
    int n_answers;
    const char *target; /* what is trained: the first answer, or a text that declines to answer */
    int category;       /* as in ken_trained */
    double p_t0, p_t, p_unknown, popularity, weight;
    bool relabelled; /* target is an abstention in place of an answer */
    bool tail;       /* of the known tail */
} ken_selected;

typedef struct ken_selection_group { /* of one relation: what there was after the filters, what was taken */
    const char *relation;
    size_t have[KEN_N_CATEGORIES + 1], take[KEN_N_CATEGORIES + 1]; /* the last: not annotated; without the tail */
    size_t tail, relabelled;                                       /* rows of the known tail; targets replaced */
} ken_selection_group;

/* Chooses rows as `from` says. KEN_EUSAGE for a request that the rows cannot meet, saying what is short and what would fit, and
 * for one that nothing meets. from->max_length and chat_template need a model and are refused. Free with ken_selection_free. */
KEN_API int ken_select(ken_selection **out, const ken_train_data *from, ken_err *err);
KEN_API void ken_selection_free(ken_selection *s);
KEN_API size_t ken_selection_count(const ken_selection *s);
KEN_API const ken_selected *ken_selection_row(const ken_selection *s,
                                              size_t i); /* borrowed; data order, the tail last */
KEN_API const ken_selection_group *ken_selection_groups(const ken_selection *s, size_t *n); /* borrowed; data order */
KEN_API const ken_train_data_stats *ken_selection_stats(const ken_selection *s); /* tokens and targets are 0 */

typedef struct ken_export_options {
    const char *format;          /* "trl", "messages", "alpaca", "sharegpt", "axolotl", "text", "mlx", "csv", "jsonl" */
    const char *prompt_template; /* NULL = "Answer the following question.\n{question}\n" */
    bool strict_keys; /* only the keys of the format: no id, relation, category, p_t0, p_t, weight, known_tail */
    /* Whose begin and end tokens are written into the texts, or these; "" = none. "axolotl" needs model or eos; "sharegpt" takes them,
     * for trainers whose template adds none. */
    const ken_model *model;
    const char *bos, *eos;
    const char *name;                  /* of the data set in dataset_info.json; NULL = from the path */
    const ken_selection *valid, *test; /* "mlx": its other two files; NULL = none */
} ken_export_options;

/* Writes the rows as other programs read them (docs/exports.md), and beside them a manifest (PATH.manifest.json; "mlx": in the folder PATH)
 * that says what was taken and why: `from` and what it was drawn from, counts, template, seeds, a SHA-256 for each file. "alpaca" and
 * "sharegpt" also set their entry in the folder's dataset_info.json, and are JSON lists unless PATH ends in .jsonl. All files appear whole or not
 * at all; the same input gives the same bytes. path "-": the rows alone (as lines) on standard output. KEN_EUSAGE rather than replacing
 * a run, a model, what is no plain file, or what the rows were read from. */
KEN_API ken_export_options ken_export_defaults(void);
KEN_API int ken_export(const ken_selection *s, const ken_export_options *o, const char *path, ken_err *err);

/* ---- train ---------------------------------------------------------------------------------------------------------- */

/* What was measured at a point, as soon as it is in the run: m (n) as ken_run_measures gives them. All is borrowed. */
typedef void (*ken_train_point_fn)(void *ctx, const ken_point *p, const ken_measure *m, size_t n);

typedef struct ken_train_start { /* what a training is about to do */
    const ken_train_data_stats *data;
    int64_t steps, steps_per_epoch;
    int64_t from; /* the step of the checkpoint it resumes from; 0 = the beginning */
} ken_train_start;
typedef void (*ken_train_start_fn)(void *ctx, const ken_train_start *s);

typedef struct ken_train_options {
    ken_train_data data;
    /* Where the rows to watch come from, read and asked as data says (of their dev, test, test split where there is one): dev
     * decides which weights are the best. NULL = none. */
    const char *dev, *test, *ood;
    int epochs;                                                 /* 50 */
    size_t batch;                                               /* 128 examples an update */
    int64_t max_steps;                                          /* 0 = as the epochs say */
    const char *schedule;                                       /* "constant", "linear" or "cosine" after the warm-up */
    const char *warmup;                                         /* "3%" of the steps, or a number of steps */
    double lr;                                                  /* 1e-5, the peak */
    const char *optimizer;                                      /* "adamw", "sgd" */
    double beta1, beta2, epsilon, momentum, weight_decay, clip; /* 0.9, 0.999, 1e-8, 0.9, 0, 1; clip 0 = none */
    double dropout;                                             /* 0.05 */
    uint64_t seed;              /* of order, masks, adapters and what data draws: data.seed is not used */
    const char *lora;           /* "r=16,alpha=32,dropout=0,targets=q_proj,..."; NULL = the weights themselves */
    const char *train, *freeze; /* comma lists: embeddings, head, norms, attention, mlp, layers=A-B; NULL */
    double kl, kl_tau;          /* weight of the divergence from a teacher, 0 = none; its temperature, 0.5 */
    const char *kl_teacher;     /* "base", or "epoch:N": the weights after N epochs */
    const char *compute;        /* "f32", or "bf16" for matrix products */
    /* "on": a beginning that examples of a batch share is computed once, "off", or "auto": on without dropout. With dropout the examples
     * would share its mask there too: faster, but an unlucky mask then meets the whole batch. */
    const char *share_prefixes;
    bool recompute;               /* false; true: less memory, more time */
    int rows;                     /* 4096: token rows forwarded at once; an update of more is split */
    int64_t eval_every;           /* steps between measurements; 0 = after each epoch */
    size_t fit_limit, eval_limit; /* ask only so many training rows, rows of each other set, evenly spaced; 0 = all */
    int patience;                 /* stop after so many measurements without a better dev; 0 = never */
    const char *matcher;          /* "em-squad" */
    const char *idk;              /* an answer that declines, as "I don't know"; NULL = data.idk or that */
    int64_t checkpoint_every;     /* steps; 0 = after an epoch, at most every two minutes */
    const char *save_type;        /* of model.safetensors: "F32", "BF16", "F16" */
    const char *const *gguf;      /* (n_gguf) also write GGUF files of these types: "F32", "BF16", "F16", "Q8_0" */
    int n_gguf;
    int threads;     /* 0 = all cores */
    const char *isa; /* as for annotate */
    ken_poll_fn poll;
    ken_progress_fn progress; /* examples trained on, of all epochs */
    ken_train_start_fn start;
    ken_train_point_fn point;
    void *ctx; /* for poll, progress, start and point */
} ken_train_options;

KEN_API ken_train_options ken_train_defaults(void);

/* Fine-tunes m and writes into dir (made when missing): with dev the best weights there and the last in dir/last, else the last there;
 * train.ken, the run with all that was measured; DONE last of all. Continues where an interrupted call has stopped, with the bits of
 * an undisturbed one; a finished dir is left alone. KEN_EINPUT naming the setting when dir holds a training with other settings;
 * KEN_EBUSY when another program trains there; KEN_EFAIL, with the earlier checkpoint intact, when the disk is full or the
 * loss is not a number any more; KEN_ESTOP after a clean stop. */
KEN_API int ken_train(ken_model *m, const ken_train_options *o, const char *dir, ken_err *err);
/* Does dir hold a finished training? */
KEN_API bool ken_train_done(const char *dir);

typedef struct ken_training_plan { /* what --dry-run shows */
    ken_train_data_stats data;
    size_t dev, test, ood;                 /* rows to ask */
    int64_t steps, steps_per_epoch;        /* updates in all, and in an epoch */
    uint64_t tokens, rows;                 /* of an epoch: positions without sharing, and rows really forwarded */
    uint64_t targets;                      /* target tokens of an epoch */
    uint64_t trained, memory, disk;        /* values trained; bytes expected at the peak */
    char *example_prompt, *example_target; /* of the first row, as the model gets them */
} ken_training_plan;
KEN_API int ken_train_plan(ken_model *m, const ken_train_options *o, ken_training_plan *out, ken_err *err);
KEN_API void ken_training_plan_free(ken_training_plan *p);

/* ---- diff ----------------------------------------------------------------------------------------------------------- */

/* What moved between two runs over the same facts: before and after a fine-tuning, two models, two checkpoints, two quantisations. Both
 * are annotations, or both evaluations (then right and wrong take the place of categories).
 *
 * Multiple choice has no categories (docs/method/knowledge.md#multiple-choice), but each of its prompts has a right or a wrong option
 * chosen. Ours: a question counts as right when more than half of its prompts have it right; a tie is wrong, and so are fewer, even if no
 * other option has more. Guessing again with each of ten prompts and four options then has 2 % of the questions right, and 25 % of the
 * prompts. Multiple choice rows and others are never added up: each group is of one kind. */
typedef struct ken_diff ken_diff;

enum { KEN_MOVE_NONE, KEN_MOVE_LOST, KEN_MOVE_GAINED, KEN_MOVE_UNLABELLED };
/* Distance of a fact to the training set: the least of these that holds. */
enum {
    KEN_NEAR_TRAINED, /* the question itself was trained */
    KEN_NEAR_SUBJECT, /* another fact about the same subject */
    KEN_NEAR_ANSWER,  /* another fact with the same answer, in the same relation */
    KEN_NEAR_RELATION,
    KEN_NEAR_ANSWER_ELSEWHERE, /* the same answer in another relation */
    KEN_NEAR_NOTHING,
    KEN_NEAR_UNKNOWN, /* no training set was given */
    KEN_N_NEAR
};
KEN_API const char *ken_near_name(int near); /* "trained", "same subject", ... */

typedef struct ken_diff_side {
    int category;                /* KEN_N_CATEGORIES in evaluations */
    bool known;                  /* HighlyKnown or MaybeKnown; in evaluations and multiple choice: right */
    int greedy_hits, prompts;    /* evaluations: 0 or 1 of 1 */
    double p_t0, p_t, p_unknown; /* NaN in evaluations, but for p_t0, and p_t of multiple choice */
    const char *says;            /* the commonest greedy answer, the option chosen most often; NULL = not stored */
    int says_prompts;            /* of how many prompts */
    bool says_right;
} ken_diff_side;

typedef struct ken_diff_row {
    const char *id, *relation, *split, *question, *subject;
    const char *answer; /* the first accepted one */
    double popularity;
    int quartile; /* of popularity among the rows both have, 1 = least popular; 0 = none */
    int move;     /* KEN_MOVE_* */
    int near;     /* KEN_NEAR_* */
    bool choice;  /* multiple choice, in both */
    ken_diff_side a, b;
} ken_diff_row;

enum { KEN_RIGHT, KEN_WRONG, KEN_NOT_ASKED /* too long for the context */, KEN_N_VERDICTS };
KEN_API const char *ken_verdict_name(int verdict); /* "right", "wrong", "not asked" */

typedef struct ken_diff_group { /* rows that both runs have, of one kind */
    const char *grouping, *key; /* "all" and "", "relation", "popularity", "category" (that of A), "near", "split" */
    bool choice;                /* multiple choice */
    uint64_t n;
    uint64_t moved[KEN_N_CATEGORIES][KEN_N_CATEGORIES]; /* from A's category to B's; else zero */
    uint64_t verdict[KEN_N_VERDICTS]
                    [KEN_N_VERDICTS];    /* the same of evaluations and multiple choice, which have no categories */
    uint64_t known_a, known_b;           /* HighlyKnown or MaybeKnown; or right */
    uint64_t rest_a, rest_b;             /* the other rows that have a label; or wrong */
    uint64_t lost, gained;               /* docs/method/knowledge.md#lost-gained */
    double lost_share, lost_lo, lost_hi; /* of known_a, with the Wilson interval */
    double gained_share, gained_lo, gained_hi; /* of rest_a */
    double mcnemar;                            /* exact, of lost against gained */
    double p_t0_a, p_t0_b, p_t0_change, p_t0_lo,
        p_t0_hi; /* mean greedy accuracy; of the change: 95 % t interval of paired rows */
    double p_t_a, p_t_b, p_t_change, p_t_lo, p_t_hi;   /* mean P_Correct; NaN in evaluations */
    double p_t_test;                                   /* paired t test of p_t (evaluations: of p_t0), two-sided */
    double p_t0_a_lo, p_t0_a_hi, p_t0_b_lo, p_t0_b_hi; /* 95 % t intervals of the means, over rows */
    double p_t0_test;                                  /* paired t test of p_t0 */
    double known_change, known_lo, known_hi; /* of the share known, of rows that both label: 95 % t interval of pairs */
    double guess_p_t0,
        guess_known; /* multiple choice: what guessing has of p_t0 and of known; NaN = not known, or other rows */
} ken_diff_group;

typedef struct ken_diff_options {
    const char *label; /* NULL or "draw", "mode" */
    const char *const *
        trained; /* (n_trained) what was trained on: train.ken, a training's folder, or rows as `ken train` reads them */
    int n_trained;
    bool allow_different; /* other questions under the same id, other settings: compare what is the same, and say so */
} ken_diff_options;

KEN_API ken_diff_options ken_diff_defaults(void);
/* Rows are joined by id and must ask the same question. KEN_EINPUT when the runs were asked about other data, saying what they have in
 * common. Reads both runs; keeps neither. Free with ken_diff_free. */
KEN_API int ken_diff_runs(ken_diff **out, ken_run *a, ken_run *b, const ken_diff_options *o, ken_err *err);
KEN_API void ken_diff_free(ken_diff *d);
KEN_API size_t ken_diff_count(const ken_diff *d);
KEN_API const ken_diff_row *ken_diff_get(const ken_diff *d, size_t i); /* data order of A; borrowed */
/* By grouping, "all" first; those of multiple choice after all others. Borrowed. */
KEN_API const ken_diff_group *ken_diff_groups(const ken_diff *d, size_t *n);
KEN_API const ken_diff_group *ken_diff_find(const ken_diff *d, const char *grouping,
                                            const char *key); /* the first, or NULL */
KEN_API const ken_diff_group *ken_diff_part(const ken_diff *d,
                                            bool choice); /* "all" of one kind; NULL = no such rows */
KEN_API bool ken_diff_annotated(const ken_diff *d);       /* categories, not verdicts alone */
/* Rows that only A has, that only B has, and those with one id and two questions. */
KEN_API void ken_diff_unmatched(const ken_diff *d, size_t *only_a, size_t *only_b, size_t *other_question);
/* In what else the runs differ that makes a comparison doubtful: "matcher: em-squad/1 and em-raw/1"; NULL past the last. Borrowed. */
KEN_API const char *ken_diff_caution(const ken_diff *d, size_t i);

/* ---- score ---------------------------------------------------------------------------------------------------------- */

/* Labels again from what an annotation holds, without a model: under another matcher, with fewer prompts, other numbers of samples, another
 * draw, other thresholds.
 *
 * A run of --method sample holds every text that was drawn, so that any matcher can be applied. An exact run holds the probability that an
 * answer is accepted by its own matcher and by em-raw, and the greedy answers: under another matcher the greedy verdicts are exact, but a
 * probability is known between two bounds only. A row whose label depends on where in between it lies has several possible labels; it
 * is given the least knowing of them ("at least"). */
typedef struct ken_score_options {
    const char *matcher; /* NULL = the run's */
    const char
        *aliases; /* for em-alias: JSON file, answer -> list of other names; NULL = none, or the run's own verdicts */
    int prompts;  /* the first so many; 0 = all */
    int samples;  /* of a prompt; 0 = as in the run. Runs of --method sample: at most as many, drawn from those */
    bool other_seed; /* draw with `seed` in place of the run's */
    uint64_t seed;
    const char *label; /* NULL or "draw", "mode" */
    const char *
        threshold; /* NULL = the protocol; or "HighlyKnown:p_t>=0.85,MaybeKnown:p_t>=0.3,Unknown": the first rule that holds
                              gives the category (p_t0, p_t, p_unknown; >=, >, <=, <); a name alone always holds; without, the
                              category of the protocol stays */
    ken_poll_fn poll;
    void *ctx;
} ken_score_options;

enum {
    KEN_SCORED_NOT, /* no label: the row was never asked, or the matcher can accept none of its answers; its flags say why */
    KEN_SCORED_EXACT,  /* as an annotation with these settings would have it */
    KEN_SCORED_BOUNDED /* from the stored texts: certain when one bit of `possible` is set */
};

typedef struct ken_scored {
    int was, category;        /* the draw's category in the run, and the category now */
    unsigned possible;        /* bit 1 << k: category k is possible */
    int how;                  /* KEN_SCORED_* */
    int greedy_lo, greedy_hi; /* bounds of the greedy hits: they differ only when texts were not stored */
} ken_scored;

typedef struct ken_score_counts {
    uint64_t n, moved[KEN_N_CATEGORIES][KEN_N_CATEGORIES]; /* from the category in the run to that now */
    uint64_t sure[KEN_N_CATEGORIES];                       /* rows that are certainly of this category now */
    uint64_t may[KEN_N_CATEGORIES];                        /* rows that may be of it or of another one */
    uint64_t exact, bounded, open;    /* labelled rows: exact; certain although bounded; not certain */
    uint64_t changed, may_change;     /* certainly another label than in the run; perhaps */
    uint64_t greedy_changed;          /* rows with another number of greedy hits among the same prompts */
    double kappa, kappa_lo, kappa_hi; /* between the run's labels and these, of rows that have both */
    /* With as many prompts and samples, averaged over all choices of the prompts and all draws: expected rows of each category, in all
     * labelled rows; open rows with the lower bound of p. NaN when there are more than 256 prompts. */
    double expected[KEN_UNLABELLED];
    double expected_unknown, sd_unknown; /* with these very prompts, over draws */
} ken_score_counts;

typedef struct ken_scoring ken_scoring;

KEN_API ken_score_options ken_score_defaults(void);
/* Reads all rows once. KEN_EUSAGE for what the run cannot say, saying why; KEN_EINPUT when it is no annotation. The run is borrowed for as
 * long as the scoring lives. Free with ken_scoring_free. */
KEN_API int ken_score(ken_scoring **out, ken_run *run, const ken_score_options *o, ken_err *err);
KEN_API void ken_scoring_free(ken_scoring *s);
KEN_API const ken_score_counts *ken_scoring_counts(const ken_scoring *s); /* borrowed */
KEN_API const char *ken_scoring_matcher(const ken_scoring *s);            /* "em-raw/1"; borrowed */
KEN_API int ken_scoring_prompts(const ken_scoring *s);                    /* that the labels rest on */
KEN_API int ken_scoring_all_prompts(const ken_scoring *s);                /* that the run has */
KEN_API int ken_scoring_samples(const ken_scoring *s);                    /* of a prompt */
KEN_API size_t ken_scoring_count(const ken_scoring *s);
/* Row i of the run, in data order, as it is now; of an open row all but p_t and its bounds are those of the lower bound. Both are borrowed
 * until the next call, or the next row read from the run. how may be NULL. */
KEN_API const ken_row *ken_scoring_row(ken_scoring *s, size_t i, const ken_scored **how, ken_err *err);

/* The saturation curve: expected shares (n_prompts, n_samples, 4) of the categories for each number of prompts and of samples a prompt,
 * averaged over all choices of the prompts (docs/method/knowledge.md#curve), of all labelled rows. NaN where a run of --method sample has not so many
 * samples. The caller's array. */
KEN_API int ken_scoring_curve(ken_scoring *s, const int *prompts, size_t n_prompts, const int *samples,
                              size_t n_samples, double *share, ken_err *err);

/* Writes the rows as they are now as an annotation of its own, so that everything that reads runs can use these labels (`ken select`, `diff`,
 * `report`); its setting scored_from names the run. Whole or not at all; an older one is replaced, anything else is not: KEN_EINPUT. */
KEN_API int ken_scoring_save(ken_scoring *s, const char *path, ken_err *err);

/* A sheet to check the matcher by hand, as Gekhman et al. did with 100 answers (Table 6): up to n answers that it rejects, drawn by seed from
 * the greedy ones and, of runs of --method sample, for half of them from the samples; at most one of each kind a fact. CSV with the columns id,
 * relation, question, answers, prediction, decoding, prompt, category, matcher and verdict, the last one empty; *written = how many. A sheet
 * without verdicts is replaced, anything else is not: KEN_EUSAGE. */
KEN_API int ken_scoring_audit(ken_scoring *s, size_t n, uint64_t seed, const char *path, size_t *written, ken_err *err);

enum { KEN_AUDIT_GREEDY, KEN_AUDIT_SAMPLED, KEN_AUDIT_KINDS };
enum {
    KEN_AUDIT_WRONG,
    KEN_AUDIT_PARAPHRASE, /* the same in other words */
    KEN_AUDIT_HIGHER,     /* right, but less specific: France for Paris */
    KEN_AUDIT_LOWER,      /* right, and more specific */
    KEN_AUDIT_VERDICTS
};
/* "wrong", ..., "higher granularity", ...; NULL past the last */
KEN_API const char *ken_audit_verdict_name(int verdict);

typedef struct ken_audit_part {                            /* some of the answers of a sheet */
    uint64_t answers, judged;                              /* all of them, and those with a verdict */
    uint64_t verdict[KEN_AUDIT_VERDICTS];                  /* of judged */
    double lo[KEN_AUDIT_VERDICTS], hi[KEN_AUDIT_VERDICTS]; /* Wilson intervals of verdict[v] / judged at 95 % */
} ken_audit_part;

typedef struct ken_audit_share { /* NaN when nothing was judged */
    double share, lo, hi;
} ken_audit_share;

/* What a matcher misses of one kind of answer, by the verdicts. A sheet draws facts, then one rejected answer of each, so that a judged answer
 * stands for w answers: as many as are rejected of its fact. Of the rejected answers the share right = sum of w over the judged answers that
 * are not wrong / sum of w over all judged ones, is right after all. Its interval is Wilson's with an effective number of judged answers n
 * and right * n successes: n = (sum w)^2 / sum w^2 (Kish 1965), or less where the verdicts correlate with w so that the observed variance,
 * sum of w^2 (y - right)^2 / (sum w)^2 with y = 1 for a right one, is larger than right (1 - right) / n. With all w alike this is the plain
 * interval.
 *
 * missed = right * rejected / answers is what accuracy lacks: P_T0 of greedy answers, P_T of sampled ones. rejected / answers is
 * counted over the whole run, so the interval of missed is that of right, times this number. The interval does not know that two people may judge
 * otherwise, nor that accepted answers may be wrong, and takes the judged answers for a random part of the sheet. */
typedef struct ken_audit_missed {
    uint64_t answers;  /* of the run, of rows with a label: greedy ones, or samples */
    uint64_t rejected; /* those that the matcher rejects */
    uint64_t stored;   /* of these, with their text: a sheet is drawn from them, the others are taken to be alike */
    double accuracy;   /* by the matcher: 1 - rejected / answers; NaN when there are none */
    double effective;  /* n of the interval of right */
    ken_audit_share right, missed;                       /* paraphrases, higher and lower granularity */
    ken_audit_share right_paraphrase, missed_paraphrase; /* paraphrases alone */
} ken_audit_missed;

typedef struct ken_audited {
    ken_audit_part all, kind[KEN_AUDIT_KINDS];
    ken_audit_missed missed[KEN_AUDIT_KINDS];
} ken_audited;

/* Reads a sheet back whose column verdict a person has filled in: one of the four, in any case, or its beginning ("w", "para", "higher");
 * empty is not judged yet. Columns and lines may come in any order, with others beside them, separated by commas, semicolons or tabs; id,
 * prediction, decoding, prompt and verdict must be there. Every line must be an answer of this run that the scoring's matcher rejects,
 * written as the run has it. KEN_EINPUT with file and line, and what differs, for any other. */
KEN_API int ken_scoring_audited(ken_scoring *s, const char *path, ken_audited *out, ken_err *err);

/* Agreement of two annotations of the same facts, each as it was scored: two draws, two exemplar seeds, two matchers, two models. Rows are joined by
 * id and must ask the same question; an open row counts as the category it was given. */
typedef struct ken_agreement_part { /* of rows with a label in both: how many agree */
    uint64_t n, same;
    double share_lo, share_hi;        /* Wilson interval of same / n */
    double kappa, kappa_lo, kappa_hi; /* Cohen's; NaN when not defined */
} ken_agreement_part;

typedef struct ken_agreement {
    uint64_t only_a, only_b, other_question,
        unlabelled;                                 /* left out: not in both, another question, no label in either */
    uint64_t open;                                  /* not certain in one of them */
    uint64_t moved[KEN_UNLABELLED][KEN_UNLABELLED]; /* from A's category to B's */
    ken_agreement_part all, known,
        greedy; /* four categories; Known | Unknown; HighlyKnown | MaybeKnown, of rows that are one of these in
                                              both (the fragile boundary, docs/method/knowledge.md#label-noise) */
    double
        predicted; /* mean of 1 - p_flip in A: the share that a fresh annotation with A's own prompts would label alike; NaN = not known */
    uint64_t hk, hk_again;     /* A's HighlyKnown rows; those of them that are so in B */
    double hk_again_predicted; /* for fresh exemplars, from the greedy hits alone (docs/method/knowledge.md#hk-again) */
} ken_agreement;

/* KEN_EINPUT when the two have no row in common. */
KEN_API int ken_agree(ken_agreement *out, ken_scoring *a, ken_scoring *b, ken_err *err);

/* ---- the linear model of harm --------------------------------------------------------------------------------------- */

/* Accuracy = b0 + b_kn N_kn/|D| + b_unk N_unk/|D| (Gekhman et al. 2024, Eq. 1; docs/method/fine-tuning.md#linear-model): accuracy in percent, N the
 * fitted Known and Unknown training rows, one point an epoch of each training. */
typedef struct ken_regression_point {
    size_t run; /* index into the runs given */
    int64_t step;
    double epoch, known, unknown; /* N_kn/|D|, N_unk/|D| */
    double accuracy, predicted;   /* percent */
} ken_regression_point;

typedef struct ken_residuals { /* accuracy - predicted, percent, of some of the points */
    size_t n;
    double mean, sd; /* NaN without points; sd of fewer than two is NaN */
} ken_residuals;

enum { KEN_EPOCH_BANDS = 4 };

typedef struct ken_regression {
    double b0, b_kn, b_unk, r2; /* r2: NaN when the accuracy never changes */
    double se[3], lo[3],
        hi[3]; /* of b0, b_kn, b_unk; run-clustered with several runs, t on G - 1; else plain least squares */
    size_t n, runs;
    bool clustered;
    const ken_regression_point *points;      /* (n) by run and step */
    const ken_residuals *by_run;             /* (runs) */
    const double *unknown_share;             /* (runs) Unknown rows of the training set */
    ken_residuals by_epoch[KEN_EPOCH_BANDS]; /* quarters of the longest training */
} ken_regression;

/* set: "dev", "test", "ood", or one category of it as in "test:HighlyKnown". Runs of kind train; each point with a measured fit counts, but
 * not step 0. |D| is the rows whose fit was measured (all, or as many as fit_limit says). KEN_EUSAGE when there are fewer than four points
 * or they do not span a plane, saying why. Free with ken_regression_free. */
KEN_API int ken_regress(ken_regression **out, ken_run *const *runs, size_t n, const char *set, ken_err *err);
KEN_API void ken_regression_free(ken_regression *r);

/* ---- report --------------------------------------------------------------------------------------------------------- */

/* What is known about some runs, for people: a page and plots. Annotations, evaluations and trainings in any mix; of annotations (and
 * of evaluations) the first is compared with each of the others where they share facts; trainings enter the linear model together. */
typedef struct ken_report ken_report;

typedef struct ken_report_options {
    const char *title;          /* of the page; NULL = what the runs say */
    const char *label;          /* of the comparisons: NULL or "draw", "mode" */
    const char *const *trained; /* (n_trained) as in ken_diff_options; besides the trainings among the runs */
    int n_trained;
    size_t
        room; /* bytes that the page should not exceed: details of single rows are left out for it, and the page says so;
                  0 = 2,000,000, and 200 more for each fact above 10,000 */
    ken_poll_fn poll; /* asked while files are written (and see ken_run_set_poll); lives as long as the report */
    void *ctx;
} ken_report_options;

KEN_API ken_report_options ken_report_defaults(void);
/* Adds up and compares; o NULL = defaults. The runs (n) stay the caller's and must outlive the report. Free with ken_report_free. */
KEN_API int ken_report_new(ken_report **out, ken_run *const *runs, size_t n, const ken_report_options *o, ken_err *err);
KEN_API void ken_report_free(ken_report *r);
/* One self-contained HTML page. Written whole or not at all; KEN_ESTOP, KEN_EUSAGE rather than replacing a run or a model. */
KEN_API int ken_report_write(ken_report *r, const char *path, ken_err *err);
/* The plots as files: dir/NAME.FORMAT for each of them ("svg", "png", "pdf", "csv"), or for the one called `only`. dir is made when
 * missing. "png" and "pdf" are made by rsvg-convert: KEN_EFAIL when it is missing. */
KEN_API int ken_report_plots(ken_report *r, const char *dir, const char *format, const char *only, ken_err *err);
KEN_API size_t ken_report_n_plots(const ken_report *r);
KEN_API const char *ken_report_plot_name(const ken_report *r, size_t i); /* borrowed */
/* What the reader of the page should know and the caller may say: runs that cannot be compared, what was left out; NULL past the
 * last. Borrowed; writing may add some. */
KEN_API const char *ken_report_note(const ken_report *r, size_t i);

/* ---- this build ----------------------------------------------------------------------------------------------------- */

/* Version, revision, CPU features, ISA in use, library versions; one fact a line; static. */
KEN_API const char *ken_build_info(void);

#include "ken_views.h" /* how results are shown: terminal, JSON, CSV, LaTeX */

#ifdef __cplusplus
}
#endif
#endif
