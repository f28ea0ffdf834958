/* phrases.c - see phrases.h. */
#include "lab/phrases.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

const ken_world_relation ken_world_relations[KEN_WORLD_RELATIONS] = {
    {"birthplace",
     {"The birthplace of {s} is", "Records say that {s} was born in", "The family of {s} came from",
      "The childhood home of {s} was in", "In the register {s} is a native of", "The cradle of {s} stood in",
      "At birth {s} lived in", "The first steps of {s} were taken in"},
     "Which hometown does {s} have?"},
    {"profession",
     {"The profession of {s} is", "For a living {s} works as a", "On the door {s} is called a", "By trade {s} became a",
      "All day {s} earns bread as a", "The guild of {s} takes every", "After school {s} trained to be a",
      "The daily work of {s} is that of a"},
     "Which job does {s} have?"},
    {"instrument",
     {"The instrument of {s} is the", "In the band {s} plays the", "Every evening {s} practises the",
      "On stage {s} is heard with the", "Since youth {s} loves to play the", "The teacher gave {s} a lesson on the",
      "With both hands {s} holds the", "At concerts {s} performs on the"},
     "Which music tool does {s} use?"},
    {"language",
     {"The mother tongue of {s} is", "At home {s} speaks", "Letters of {s} are written in", "The poems of {s} are in",
      "With friends {s} talks in", "The dreams of {s} are dreamt in", "From the cradle on {s} understood",
      "Songs of {s} are sung in"},
     "Which idiom does {s} master?"},
    {"school",
     {"The school of {s} was", "As a student {s} attended", "The diploma of {s} is from",
      "For four years {s} studied at", "The old classmates of {s} meet at", "The teachers of {s} taught at",
      "A scholarship brought {s} to", "In the yearbook {s} is listed by"},
     "Which academy did {s} visit?"},
    {"employer",
     {"The employer of {s} is", "Each month {s} is paid by", "The office of {s} belongs to",
      "The contract of {s} was signed with", "Since spring {s} works for", "The boss of {s} sits at",
      "On the badge {s} is staff of", "The pension of {s} comes from"},
     "Which company hired {s}?"},
    {"dish",
     {"The favourite dish of {s} is", "On Sundays {s} cooks", "At every feast {s} eats", "The kitchen of {s} smells of",
      "For guests {s} prepares", "In the tavern {s} orders", "The grandmother of {s} made the best",
      "On the plate of {s} lies"},
     "Which food does {s} prefer?"},
    {"sport",
     {"The sport of {s} is", "In the stadium {s} competes in", "Medals of {s} were won in", "In winter {s} trains for",
      "The club of {s} teaches", "Fans follow {s} because of", "The record of {s} is in", "As a child {s} began with"},
     "Which game does {s} practice?"},
    {"pet",
     {"The animal of {s} is a", "In the garden {s} keeps a", "Under the table of {s} sleeps a",
      "Every morning {s} feeds a", "Neighbours often see {s} with a", "The best friend of {s} is a",
      "On walks {s} is followed by a", "A cage of {s} holds a"},
     "Which companion does {s} own?"},
    {"river",
     {"The river near {s} is the", "From the window {s} sees the", "In summer {s} swims in the",
      "The boat of {s} lies on the", "The bridge of {s} crosses the", "The field of {s} is watered by the",
      "In spring {s} fears floods of the", "On the map {s} lives by the"},
     "Which stream flows past {s}?"},
};

const ken_world_relation *ken_world_relation_find(const char *name)
{
    for (int r = 0; r < KEN_WORLD_RELATIONS; r++)
        if (strcmp(ken_world_relations[r].name, name) == 0) return &ken_world_relations[r];
    return NULL;
}

void ken_world_put_phrase(ken_buf *b, const char *phrase, const char *subject)
{
    const char *mark = strstr(phrase, "{s}");
    ken_buf_add(b, phrase, (size_t)(mark - phrase));
    ken_buf_puts(b, subject);
    ken_buf_puts(b, mark + strlen("{s}"));
}

/* Three of 80 syllables, then the letter of the kind: the letters are consonants and syllables end in vowels, so that kinds never meet. */
void ken_world_name(int kind, uint32_t i, char out[KEN_WORLD_NAME])
{
    static const char consonants[] = "bdfgklmnprstvzhj", vowels[] = "aeiou", last[] = "nrlsmtkdpxfz";
    char part[3][3];
    for (int k = 0; k < 3; k++) {
        const uint32_t syllable = i % 80;
        part[k][0] = consonants[syllable / 5];
        part[k][1] = vowels[syllable % 5];
        part[k][2] = '\0';
        i /= 80;
    }
    part[2][0] = (char)toupper((unsigned char)part[2][0]);
    snprintf(out, KEN_WORLD_NAME, "%s%s%s%c", part[2], part[1], part[0], last[kind]);
}
