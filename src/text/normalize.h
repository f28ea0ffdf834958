/* normalize.h - the parts that N (docs/method/knowledge.md#normalisation) is made of, for texts that are still growing.
 *
 * NFKC cannot be computed character by character: what follows may compose with the last base character. So a text is read in
 * segments: a base character and all that may reorder or compose with it. A segment followed by another one is final; only the
 * last one of a text can still change. No memory is allocated.
 *
 *     ken_segments g;
 *     ken_segments_start(&g, text, n);
 *     while (ken_segments_next(&g)) use g.cp[0 .. g.len), in NFKC; g.last says that the text ends with it
 *
 * A base with more than KEN_SEGMENT_MAX - 1 marks is cut there, as Unicode's Stream-Safe Text Format does after 30 (UAX #15,
 * section 13): that bounds the buffer and the sorting, and only texts made to hurt notice. */
#ifndef KEN_TEXT_NORMALIZE_H
#define KEN_TEXT_NORMALIZE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEN_SEGMENT_MAX = 128, KEN_DECOMPOSED_MAX = 24 }; /* the longest compatibility decomposition has 18 (U+FDFA) */

typedef struct ken_segments {
    const char *text;
    size_t n, at;                /* bytes, and how many of them were read */
    int32_t cp[KEN_SEGMENT_MAX]; /* (len) the segment, in NFKC */
    int len;
    int32_t ahead[KEN_DECOMPOSED_MAX]; /* (n_ahead) of the code point before `at`, the first i_ahead are used up */
    int n_ahead, i_ahead;
    bool last; /* no complete code point follows this segment */
    bool
        invalid; /* there were bytes that can never be UTF-8; each maximal part reads as U+FFFD, a segment of its own */
    bool incomplete; /* the text ends inside a character, whose bytes are in no segment */
} ken_segments;

void ken_segments_start(ken_segments *g, const char *text, size_t n); /* text is borrowed; any bytes */
bool ken_segments_next(ken_segments *g);

/* Does a segment begin with cp, whatever comes before it? (cp decomposed.) Marks and Hangul vowels and finals do not. */
bool ken_begins_segment(int32_t cp);

/* The context-free lower-case mapping: one code point to out[0..1]; returns how many (two for U+0130 only). */
int ken_lower(int32_t cp, int32_t out[2]);

/* The first code point of cp's canonical decomposition after lower-casing. Whatever marks are added to a base character or
 * taken from it, this stays the same. */
int32_t ken_lower_base(int32_t cp);

/* What N does with an ASCII character: KEN_DELETED for the 32 punctuation characters, ' ' for white space, else lower case. */
enum { KEN_DELETED = 0x80 };
extern const unsigned char ken_ascii_fold[128];
bool ken_is_space(int32_t cp); /* Unicode White_Space */

/* N(s), with the articles when keep_articles (docs/method/knowledge.md#gold-level). Bytes that are no UTF-8 give U+FFFD and set
 * *valid to false (valid may be NULL). Caller frees with ken_free; NULL when out of memory. */
char *ken_normalize_words(const char *s, size_t n, bool keep_articles, bool *valid);

/* Strips leading and trailing Unicode white space (em-raw's trim): moves *s, returns the new length. */
size_t ken_trim(const char **s, size_t n);
#endif
