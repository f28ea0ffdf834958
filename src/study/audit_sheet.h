/* audit_sheet.h - the sheet of rejected answers, as its writer (audit.c) and its readers (audit_read.c the file, audited.c what it means)
 * both know it: its columns, its cells, and which answers of a run can be in it.
 *
 * Between the two a person has had it open in some spreadsheet. A cell is therefore the same as another when they differ only in what such
 * programs do to cells: white space around the text, line ends within it, an apostrophe before it. */
#ifndef KEN_STUDY_AUDIT_SHEET_H
#define KEN_STUDY_AUDIT_SHEET_H
#include "base/buf.h"
#include "study/scoring.h"

enum {
    KEN_SHEET_ID,
    KEN_SHEET_RELATION,
    KEN_SHEET_QUESTION,
    KEN_SHEET_ANSWERS,
    KEN_SHEET_PREDICTION,
    KEN_SHEET_DECODING, /* kind of answer */
    KEN_SHEET_PROMPT,   /* counted from 0, as in the run */
    KEN_SHEET_CATEGORY,
    KEN_SHEET_MATCHER, /* that rejects the answer */
    KEN_SHEET_VERDICT,
    KEN_SHEET_COLUMNS
};
extern const char *const ken_sheet_names[KEN_SHEET_COLUMNS]; /* as the first line has them */
extern const char *const ken_audit_kind_names[KEN_AUDIT_KINDS];

enum { KEN_SHEET_MOST = 1000000 }; /* answers of a sheet */

typedef struct ken_sheet_line {
    const char *cell[KEN_SHEET_COLUMNS]; /* as they are in the file; NULL: the sheet has no such column */
    int line;                            /* of the file, from 1 */
    int kind, prompt, verdict;           /* verdict -1: not judged yet */
    bool found;                          /* in the run; for audited.c */
} ken_sheet_line;

typedef struct ken_sheet { /* {0} is an empty one */
    const char *path;      /* for messages; the caller's */
    ken_arena arena;       /* of the cells */
    ken_sheet_line *lines; /* (n) in the order of the file */
    size_t n, cap;
    uint64_t judged; /* lines with a verdict */
} ken_sheet;

/* Reads a sheet: columns in any order, commas, semicolons or tabs between them, other columns beside them. KEN_EINPUT with file, line and
 * column for what is no sheet, or no verdict. Free with ken_sheet_free, also after a failure. */
int ken_sheet_read(ken_sheet *s, const char *path, ken_err *err);
/* The same for text (n) in memory, which is only read during the call. */
int ken_sheet_parse(ken_sheet *s, const char *path, const char *text, size_t n, ken_err *err);
void ken_sheet_free(ken_sheet *s);

/* What of a cell counts: *s (*n) without the white space around it and one apostrophe before it. */
void ken_sheet_trim(const char **s, size_t *n);
/* Both hold the same text. */
bool ken_sheet_same(const char *a, const char *b);

/* The accepted answers of a row as one cell. */
void ken_sheet_answers(ken_buf *b, const ken_row *row);
/* How many answers of the run the answer stands for that the matcher rejects: a greedy one (drawn -1) for one, drawn text number `drawn`
 * for as many as were drawn; 0 when it is accepted, or its text is not stored. q: of a row as it was scored, a: its matcher. */
uint64_t ken_sheet_rejected(const ken_scoring *s, const ken_accept *a, const ken_prompt_row *q, int drawn);
/* The text of such an answer as it is in a sheet. */
const char *ken_sheet_text(const ken_prompt_row *q, int drawn);
#endif
