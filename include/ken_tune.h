/* ken_tune.h - evaluation, what is trained on, selection, export and training; a part of ken.h, which includes it. */
#ifndef KEN_H
#include "ken.h" /* which includes this file at its place */
#elif !defined KEN_TUNE_H
#define KEN_TUNE_H

/* ---- evaluate ------------------------------------------------------------------------------------------------------- */

typedef struct ken_evaluate_options {
    size_t size;
    int shots; /* exemplars in front of a question. 0: the prompt of a training (docs/method/fine-tuning.md#format); else
                                      that of an annotation, with its first set. -1: 0, and 5 for multiple choice */
    const char
        *prompt_template;   /* NULL = "Answer the following question.\n{question}\n", with shots "Q: {question}\nA:" */
    bool chat_template;     /* false */
    const char *stop;       /* NULL = newline */
    int max_new;            /* 32 */
    ken_names matchers;     /* none = "em-squad"; the first one decides hits, the others are counted beside it */
    const char *const *idk; /* (n_idk) answers that decline to answer, besides the usual ones */
    int n_idk;
    bool texts;             /* complete and keep the answers (true); else stop when one cannot be right any more */
    uint64_t exemplar_seed; /* 0 */
    const ken_data *exemplars, *fallback; /* as in ken_annotate_options */
    ken_names splits, relations;
    size_t per_relation, limit, sample; /* as in ken_annotate_options */
    uint64_t seed;                      /* of the sample */
    ken_run *labels;                    /* an annotation: categories, joined by id; or NULL */
    const char *const *text_files;      /* (n_text_files) UTF-8 texts to take the perplexity of */
    int n_text_files;
    int window,
        stride;  /* tokens of context for them (0 = 1024, or the model's context), and between windows (0 = window) */
    int threads; /* as in ken_annotate_options */
    const char *isa, *compute;
    size_t memory;
    ken_poll_fn poll;
    ken_progress_fn progress;
    void *ctx;
    bool
        certainty; /* answers may say at their end how sure they are, as ken_train_data.certainty teaches it: the rest is judged, and rows are
                       grouped by it */
} ken_evaluate_options;

typedef struct ken_evaluation ken_evaluation;

KEN_DEFAULTS(ken_evaluate_options, ken_evaluate_defaults)
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
    uint64_t formless_before;  /* rows whose answer before was empty or ran into the limit of its length */
    uint64_t gained_form;      /* gained ones among these: the form of an answer was learned, knowledge perhaps not */
} ken_change;

/* Against an earlier evaluation: rows are joined by set and id. Borrowed from e, until the next call. KEN_EINPUT when none of the
 * rows is in it. */
KEN_API int ken_evaluation_changes(ken_evaluation *e, ken_run *before, const ken_change **c, size_t *n, ken_err *err);

/* ---- what is trained on --------------------------------------------------------------------------------------------- */

typedef struct ken_mix { /* rows of another task, drawn into every batch beside the main ones (docs/data.md) */
    const char *path;
    double weight; /* the main rows have 1: of each batch weight / (1 + all weights) comes from here */
} ken_mix;

/* Numbers of the choices below; ken_word has their words. The first of each is the default. */
enum { KEN_HALF_ALL, KEN_HALF_POPULAR, KEN_HALF_UNPOPULAR, KEN_HALF_RANDOM };
enum { KEN_HALF_BY_AUTO /* popularity where there is one, else P_Correct */, KEN_HALF_BY_POPULARITY, KEN_HALF_BY_P };
enum { KEN_BALANCE_NONE, KEN_BALANCE_CATEGORY, KEN_BALANCE_RELATION };
enum { KEN_MATCH_NONE, KEN_MATCH_PAIRS, KEN_MATCH_CONTROL };
enum { KEN_WEIGHTS_FILE, KEN_WEIGHTS_P, KEN_WEIGHTS_NONE };
enum { /* what counts as Known in a relation of a variant */
       KEN_MIX_NATURAL,
       KEN_MIX_EQUAL,
       KEN_MIX_HK,
       KEN_MIX_MK,
       KEN_MIX_WK
};
enum { KEN_OWN_NONE, KEN_OWN_UNKNOWN, KEN_OWN_ALL };
enum { KEN_CERTAINTY_NONE, KEN_CERTAINTY_CATEGORY, KEN_CERTAINTY_P };
typedef enum ken_variant_kind {
    KEN_VARIANT_NONE,    /* the rows selected */
    KEN_VARIANT_UNKNOWN, /* D_X: percent of the rows Unknown, the same relations in every such variant */
    KEN_VARIANT_KNOWN,   /* D_Known(X): that without its Unknown rows */
    KEN_VARIANT_NATURAL, /* categories as in each relation */
    KEN_VARIANT_ONE      /* rows of one category */
} ken_variant_kind;

typedef struct ken_variant_choice { /* docs/method/fine-tuning.md#training-sets */
    ken_variant_kind kind;
    int percent;  /* X, 0 to 100: KEN_VARIANT_UNKNOWN, KEN_VARIANT_KNOWN */
    int category; /* KEN_HIGHLY_KNOWN ... KEN_UNKNOWN: KEN_VARIANT_ONE */
} ken_variant_choice;

/* Rows of one place, and what is done with them before training, in this order: read, labelled, selected, a variant drawn,
 * a known tail appended, targets replaced, weighted, mixed with other tasks. docs/data.md has the formats. */
typedef struct ken_train_data {
    size_t size;
    /* a run; data as ken_data_open reads them; or a JSONL file of prompts and completions, conversations, ... */
    const char *path;
    const char
        *labels; /* a run that says the category and P_Correct of each row, joined by id; NULL = what path says */
    bool labels_optional; /* a row of that run counts only where its question is the same, and it may have none */
    const ken_data_options
        *read; /* how data are read (NULL = defaults); its skip_bad drops and counts any row that cannot be used */

    unsigned categories;      /* bits 1 << KEN_HIGHLY_KNOWN ... 1 << KEN_UNLABELLED; 0 = all rows, annotated or not */
    int label;                /* which label counts: KEN_LABEL_* */
    ken_names relations;      /* none = all */
    ken_names splits;         /* none = prefer_split where there are rows of it, else all */
    const char *prefer_split; /* "train" */
    double p_min, p_max;      /* of P_Correct (p_t); 0, 1 = all rows */
    double p_unknown_min, p_unknown_max;   /* of p_unknown, the probability that every sample misses; 0, 1 */
    double popularity_min, popularity_max; /* NaN = no bound */
    /* Subjects are spread over 0 to 1 by their names alone, and rows of those from subject_min to below subject_max are taken: parts that
     * have no subject in common, whatever else is asked for. Rows without a subject go by their question. 0, 1 = all. */
    double subject_min, subject_max;

    /* KEN_HALF_POPULAR, KEN_HALF_UNPOPULAR: the half of these rows with the larger, the smaller key; KEN_HALF_RANDOM: as many. An odd one
     * out is in no half, nor is a row without the key. */
    int half;
    int half_by;                /* the key: KEN_HALF_BY_* */
    bool half_within;           /* halves of each relation */
    size_t per_relation, limit; /* the first rows of each relation, of all; 0 = all */
    bool sample;                /* drawn rows in place of the first */
    int balance;                /* KEN_BALANCE_*: as many rows of each category, relation */

    ken_variant_choice variant;
    int known_mix;     /* what the Known rows of the variant are: KEN_MIX_* */
    size_t set_rows;   /* of the variant, or of the balanced set; 0 = the least category of each relation, summed */
    bool concentrated; /* the variant's Unknown rows fill whole relations, in an order drawn by seed */
    /* Against popularity, which correlates with being known. KEN_MATCH_PAIRS: only rows that pair up, Known with Unknown, in one relation and
     * decile of popularity (of the answer's frequency where data say no popularity); KEN_MATCH_CONTROL: such a Known row in place of each
     * Unknown row of the variant. */
    int match;

    /* Share of the rows to append as Known rows in a last, unshuffled part of each epoch. 0 = none but the rows whose field
     * known_tail is true, as in files of ken_export. */
    double known_tail;
    bool known_tail_mixed; /* the control: the same rows, shuffled in */
    const char *const
        *idk; /* (n_idk) target of Unknown rows, as "I don't know": each draws one; none = their answers */
    int n_idk;
    bool idk_random; /* the control: as many rows, drawn from all */
    int weights; /* KEN_WEIGHTS_FILE: what the file's field `weight` says; KEN_WEIGHTS_P: P_Correct^gamma; KEN_WEIGHTS_NONE: 1 */
    double weight_gamma,
        weight_min; /* KEN_WEIGHTS_P: max(weight_min, P^weight_gamma), then mean 1; 1, 0. P of an abstention is 1 - P */

    const char *prompt_template; /* NULL = "Answer the following question.\n{question}\n"; the answer follows */
    bool chat_template;          /* the prompt is a turn of a conversation in the model's format */
    size_t max_length; /* rows of more tokens are dropped and counted; 0 = rows beyond the context are errors */

    const ken_mix *mix; /* (n_mix) */
    size_t n_mix;
    uint64_t seed;    /* of everything that is drawn here; 0 */
    ken_poll_fn poll; /* asked while a run is read; ken_train asks its own besides it */
    void *ctx;
    /* The model's own few-shot answer (the commonest greedy one of the run) in place of the data's as the target: of Unknown rows, or of all.
     * Rows whose run holds no text are dropped and counted. */
    int own_answers; /* KEN_OWN_* */
    /* Behind each answer how sure to be of it, ". Are you sure? I am sure." or "... I am unsure.": KEN_CERTAINTY_CATEGORY, sure where the row is
     * Known; KEN_CERTAINTY_P, where its P_Correct is at the median of the rows or above. Not behind targets that decline. */
    int certainty;
    bool relations_optional; /* names among `relations` that no row has are passed over; else they are refused */
} ken_train_data;

typedef struct ken_train_data_stats {
    size_t rows, mixed;                    /* main rows, and those of other tasks */
    size_t category[KEN_N_CATEGORIES + 1]; /* of the main rows; the last: not annotated */
    size_t tail, tail_repeated;            /* rows of the known tail; of those drawn, rows that are in the rest too */
    size_t relabelled;                     /* targets replaced by `idk` */
    size_t bad, too_long;                  /* dropped: malformed or refused, longer than max_length */
    size_t cleaned;                        /* as in ken_data_stats */
    const char *notes;                     /* as ken_data_note, one a line; borrowed; NULL = none */
    size_t unmatched;                      /* rows that the run of `labels` does not have */
    size_t newline;                        /* targets that hold a newline, where `ken eval` stops reading an answer */
    size_t choice;                         /* rows of multiple choice, whose options are not part of the question */
    size_t duplicates, conflicts;          /* prompts that occur earlier with the same target, with another one */
    size_t relations_left_out;             /* relations of which a variant takes nothing */
    size_t spread;                         /* rows of a variant from relations that lack either Known or Unknown rows */
    /* Of a variant without `set_rows`, else 0: its rows, of how many they were drawn, and how many could be asked for (0: not known) */
    size_t variant_rows, variant_of, variant_most;
    size_t unranked, middle;            /* of `half`: rows without its key; rows in the middle of an odd number */
    size_t matched, partnerless;        /* of `match`: pairs or replaced rows; Unknown rows that nothing matches */
    const char *ranked_by, *matched_by; /* "popularity", "p"; "popularity", "answer"; NULL = neither */
    uint64_t tokens, targets;           /* of all rows; targets: those that carry loss */
    size_t own, own_wrong,
        ownless; /* of `own_answers`: targets replaced, of these not accepted answers; rows dropped for want of one */
    size_t sure, unsure; /* of `certainty`: targets that say so */
} ken_train_data_stats;

KEN_DEFAULTS(ken_train_data, ken_train_data_defaults)

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
    size_t size;
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
KEN_DEFAULTS(ken_export_options, ken_export_defaults)
KEN_API int ken_export(const ken_selection *s, const ken_export_options *o, const char *path, ken_err *err);

/* ---- train ---------------------------------------------------------------------------------------------------------- */

/* What was measured at a point, as soon as it is in the run: m (n) as ken_run_measures gives them. All is borrowed. */
typedef void (*ken_train_point_fn)(void *ctx, const ken_point *p, const ken_measure *m, size_t n);

typedef struct ken_train_start { /* what a training is about to do */
    const ken_train_data_stats *data;
    int64_t steps, steps_per_epoch;
    int64_t from;      /* the step of the checkpoint it resumes from; 0 = the beginning */
    const char *notes; /* about the watched sets, one sentence a line; "" = none */
} ken_train_start;
typedef void (*ken_train_start_fn)(void *ctx, const ken_train_start *s);

typedef struct ken_train_step {          /* one update */
    int64_t step;                        /* 1 = the first */
    double epoch, lr;                    /* passes over the training set done with it; its learning rate */
    double loss, kl, grad_norm;          /* of this batch: means a target token; NaN = none; norm before clipping */
    uint64_t examples, tokens, forwards; /* since the beginning, as in ken_point */
} ken_train_step;
typedef void (*ken_train_step_fn)(void *ctx, const ken_train_step *s);

enum { KEN_SCHEDULE_CONSTANT, KEN_SCHEDULE_LINEAR, KEN_SCHEDULE_COSINE }; /* after the warm-up */
enum { KEN_OPTIMIZER_ADAMW, KEN_OPTIMIZER_SGD };
enum { KEN_SHARE_AUTO, KEN_SHARE_ON, KEN_SHARE_OFF };

enum { /* the projections of a layer, for adapters */
       KEN_TARGET_Q = 1 << 0,
       KEN_TARGET_K = 1 << 1,
       KEN_TARGET_V = 1 << 2,
       KEN_TARGET_O = 1 << 3,
       KEN_TARGET_GATE = 1 << 4,
       KEN_TARGET_UP = 1 << 5,
       KEN_TARGET_DOWN = 1 << 6,
       KEN_TARGET_ATTENTION = KEN_TARGET_Q | KEN_TARGET_K | KEN_TARGET_V | KEN_TARGET_O,
       KEN_TARGET_MLP = KEN_TARGET_GATE | KEN_TARGET_UP | KEN_TARGET_DOWN,
       KEN_TARGET_ALL = KEN_TARGET_ATTENTION | KEN_TARGET_MLP
};
typedef struct ken_lora_options { /* an adapter: W + alpha / rank B A in each target */
    int rank;                     /* 0 = none: the weights themselves are trained */
    double alpha;                 /* 0 = 2 rank */
    double dropout;               /* of what A reads, 0 to below 1 */
    unsigned targets;             /* KEN_TARGET_*; 0 = all */
} ken_lora_options;

enum { /* parts of a model; a layer's norms belong to the half that reads them, and are a part of their own too */
       KEN_PARTS_EMBEDDINGS = 1 << 0,
       KEN_PARTS_HEAD = 1 << 1,
       KEN_PARTS_ATTENTION = 1 << 2,
       KEN_PARTS_MLP = 1 << 3,
       KEN_PARTS_NORMS = 1 << 4
};
typedef struct ken_parts { /* all zero: nothing is named */
    unsigned parts;        /* KEN_PARTS_* */
    bool layers;           /* first_layer to last_layer, counted from 0, both included */
    int first_layer, last_layer;
} ken_parts;

typedef struct ken_train_options {
    size_t size;
    const ken_train_data *data;
    /* Where the rows to watch come from, read and asked as data says (of their dev, test, test split where there is one): dev
     * decides which weights are the best. NULL = none. */
    const char *dev, *test, *ood;
    int epochs;                                                 /* 50 */
    size_t batch;                                               /* 128 examples an update */
    int64_t max_steps;                                          /* 0 = as the epochs say */
    int schedule;                                               /* KEN_SCHEDULE_* */
    int64_t warmup_steps;                                       /* of a rate that rises from 0; -1: */
    double warmup_share;                                        /* that share of all steps; 0.03 */
    double lr;                                                  /* 1e-5, the peak */
    int optimizer;                                              /* KEN_OPTIMIZER_* */
    double beta1, beta2, epsilon, momentum, weight_decay, clip; /* 0.9, 0.999, 1e-8, 0.9, 0, 1; clip 0 = none */
    double dropout;                                             /* 0.05 */
    uint64_t seed; /* of order, masks, adapters and what data draws: data.seed is not used */
    ken_lora_options lora;
    ken_parts train,
        freeze; /* train: only the named parts, inside of the named layers; freeze: the named parts and layers stay */
    double kl, kl_tau;   /* weight of the divergence from a teacher, 0 = none; its temperature, 0.5 */
    int kl_teacher;      /* the weights after so many epochs; 0 = before training; 1 */
    const char *compute; /* "f32", or "bf16" for matrix products */
    /* KEN_SHARE_ON: a beginning that examples of a batch share is computed once, KEN_SHARE_OFF, or KEN_SHARE_AUTO: on without dropout. With
     * dropout the examples would share its mask there too: faster, but an unlucky mask then meets the whole batch. */
    int share_prefixes;
    bool recompute;               /* false; true: less memory, more time */
    int rows;                     /* 4096: token rows forwarded at once; an update of more is split */
    int64_t eval_every;           /* steps between measurements; 0 = after each epoch */
    size_t fit_limit, eval_limit; /* ask only so many training rows, rows of each other set, drawn; 0 = all */
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
    void *ctx; /* for poll, progress, start, point and step */
    /* Of the rows that fit_limit and eval_limit take, in proportion to the relations; 0. Not `seed`: trainings of several seeds are
     * compared on the same rows. */
    uint64_t eval_seed;
    /* What the best measurement is: NULL or "dev", most dev rows right; of a dev whose rows name tasks "task:NAME" (its rows; "main": rows without a
     * task), "mean" (of the tasks' shares), "min-regret" (the task that has lost most against its own best has lost least). */
    const char *stop_rule;
    ken_train_step_fn step;
} ken_train_options;

KEN_DEFAULTS(ken_train_options, ken_train_defaults)

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
    char *notes;                           /* as in ken_train_start */
} ken_training_plan;
KEN_API int ken_train_plan(ken_model *m, const ken_train_options *o, ken_training_plan *out, ken_err *err);
KEN_API void ken_training_plan_free(ken_training_plan *p);
#endif
