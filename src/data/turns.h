/* turns.h - rows in the forms that trainers read (docs/exports.md, docs/data.md): prompt and completion, messages, conversations, Alpaca,
 * Axolotl's segments, plain text. What is said, and what should be said to it; the one home for reading these, for training and for asking.
 *
 * What a file is, its first row's keys say; every row must then be of that kind. */
#ifndef KEN_DATA_TURNS_H
#define KEN_DATA_TURNS_H
#include "base/arena.h"
#include "data/rows.h"

typedef enum ken_role { KEN_ROLE_SYSTEM, KEN_ROLE_USER, KEN_ROLE_ASSISTANT, KEN_N_ROLES } ken_role;
typedef struct ken_turn {
    ken_role role;
    const char *text;
} ken_turn;

/* What a file's rows are. */
typedef enum ken_row_kind {
    KEN_ROWS_PROMPT,        /* prompt, completion */
    KEN_ROWS_MESSAGES,      /* messages: role, content */
    KEN_ROWS_ALPACA,        /* instruction, input, output */
    KEN_ROWS_CONVERSATIONS, /* conversations: from, value; role and content are read too */
    KEN_ROWS_SEGMENTS,      /* segments: label, text */
    KEN_ROWS_TEXT,          /* text */
    KEN_ROWS_QUESTION,      /* question, answer or answers */
    KEN_ROWS_NONE           /* none of these: a data set, or nothing that is known */
} ken_row_kind;

/* By the keys of a row of it, NULL = none; path: for layouts that a file's name tells. */
ken_row_kind ken_kind_of_row(const json_t *row, const char *path);

/* A row without its question: the turns before the answer, and the answer. Strings live in the arena. */
typedef struct ken_said {
    const ken_turn *turns; /* (n_turns) */
    int n_turns;
    const char *target;
    bool raw;  /* the prompt is taken as it is, also where others become conversations */
    bool bare; /* raw, and without the begin and end tokens that segments spell out */
    bool text; /* no prompt: everything is the target */
} ken_said;

/* A row of one of the first six kinds. manifest: of `ken select` beside the file (ken_turns_manifest), for texts that spell begin and end tokens; or
 * NULL. KEN_EINPUT with file, line and field. */
int ken_turns_read(ken_said *out, ken_row_kind kind, const json_t *row, const char *path, int line,
                   const json_t *manifest, ken_arena *a, ken_err *err);

/* PATH.manifest.json of `ken select`, which says what the prompts are made with: "template", and "bos" and "eos" where texts spell them. NULL without one
 * that is of that kind. The caller's (json_decref). */
int ken_turns_manifest(json_t **out, const ken_source *s, ken_err *err);
#endif
