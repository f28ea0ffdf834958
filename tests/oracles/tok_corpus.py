"""Strings that are hard for tokenizers, from a fixed seed. All sentences here were written for this project.

strings() gives them as bytes, the same on every machine (only random.Random is used). sentences() is also the text that
the small vocabularies of tok_fixtures.py are trained on.
"""
import random

SENTENCES = """
The capital of Toledo District is Punta Gorda, isn't it?
She'd said they'll come at 10:45, but we've seen 3,141 people; I'm sure you're right.
In 1969 two people walked on the Moon; in 2024 nobody did.
What's the chemical symbol of tungsten? It's W, from the German word Wolfram.
The quick brown fox jumps over the lazy dog while the dog is dreaming of foxes.
Who wrote the book that everybody has read and nobody has understood?
Der Fluß fließt südöstlich durch Österreich, Ungarn und Serbien ins Schwarze Meer.
Où est né l'écrivain français dont l'œuvre complète tient en douze volumes ?
¿Quién escribió la canción que mañana cantarán los niños en la plaza de España?
A água do rio está fria, mas não há razão para não nadar até à outra margem.
Łódź leży w środkowej Polsce, a żółw idzie ścieżką przez gęsty las.
Příliš žluťoučký kůň běžel kolem řeky a pak zmizel v mlze.
İstanbul'da yağmur yağıyor; ışıklar sönük, sokaklar boş.
Thành phố này có rất nhiều hồ nước và những con đường nhỏ rợp bóng cây.
Þórður fór á sjó í gær, en Ægir var úfinn og öldurnar háar.
A tűzről pattant szűcs őrült űrhajót épített a kertben.
Η πρωτεύουσα της Ελλάδας είναι η Αθήνα, και η θάλασσα είναι κοντά.
Ἐν ἀρχῇ ἦν ὁ λόγος τοῦ παλαιοῦ διδασκάλου.
Столица России стоит на Москве-реке, а Нева течёт через Петербург.
Їжак їсть яблуко під ґанком, а ще один спить у сні.
Ђорђе и Љубица живе у Нишу, близу реке Нишаве.
Երևանը Հայաստանի մայրաքաղաքն է և կանգնած է Հրազդան գետի ափին։
თბილისი საქართველოს დედაქალაქია და მდინარე მტკვარზე დგას.
ירושלים היא עיר עתיקה, ובה רחובות צרים ואבנים חמות.
שָׁלוֹם לְכֻלָּם, אָמַר הַיֶּלֶד וְהָלַךְ לְדַרְכּוֹ.
عاصمة مصر هي القاهرة، ويجري فيها نهر النيل منذ القدم.
كَتَبَ الطَّالِبُ الدَّرْسَ في دَفْتَرِهِ.
پایتخت ایران تهران است و کوه‌های البرز در شمال آن قرار دارند.
اردو پاکستان کی قومی زبان ہے اور بہت سے لوگ اسے بولتے ہیں۔
भारत की राजधानी नई दिल्ली है और यमुना नदी उसके पास बहती है।
ঢাকা বাংলাদেশের রাজধানী এবং বুড়িগঙ্গা নদীর তীরে অবস্থিত।
ਅੰਮ੍ਰਿਤਸਰ ਪੰਜਾਬ ਦਾ ਇੱਕ ਵੱਡਾ ਸ਼ਹਿਰ ਹੈ।
ગાંધીનગર ગુજરાતનું પાટનગર છે.
சென்னை தமிழ்நாட்டின் தலைநகரம், கடற்கரையில் அமைந்துள்ளது.
హైదరాబాదు తెలంగాణ రాజధాని నగరం.
ಬೆಂಗಳೂರು ಕರ್ನಾಟಕದ ರಾಜಧಾನಿ.
തിരുവനന്തപുരം കേരളത്തിന്റെ തലസ്ഥാനമാണ്.
ශ්‍රී ලංකාවේ අගනුවර කොළඹ අසල පිහිටා ඇත.
กรุงเทพมหานครเป็นเมืองหลวงของประเทศไทยและมีแม่น้ำเจ้าพระยาไหลผ่าน
ວຽງຈັນເປັນນະຄອນຫຼວງຂອງລາວ
ភ្នំពេញជារាជធានីនៃប្រទេសកម្ពុជា
ရန်ကုန်မြို့သည် မြန်မာနိုင်ငံ၏ အကြီးဆုံးမြို့ဖြစ်သည်။
བོད་ཀྱི་རི་མཐོན་པོ་མང་པོ་ཡོད།
አዲስ አበባ የኢትዮጵያ ዋና ከተማ ናት።
北京是中国的首都，长城在它的北边。
臺灣最高的山是玉山，山上冬天會下雪。
東京は日本の首都で、隅田川が流れています。
カタカナとひらがなと漢字を混ぜて書くのが普通です。
서울은 대한민국의 수도이며 한강이 흐른다.
ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᎤᏬᏢᏅᎢ
ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ
𝔗𝔥𝔢 𝕢𝕦𝕚𝕔𝕜 𝒷𝓇𝑜𝓌𝓃 𝐟𝐨𝐱 ﬁnds eﬃcient ways ½ ¾ ² ³ ™ ℵ Ⅷ ⅷ ㎏ ㋿
""".strip().split("\n")

CODE = [
    "int main(void) { return 0; }", "for (size_t i = 0; i < n; i++)\n\tsum += x[i] * y[i];\n", "def f(x):\n    return x**2  # square\n",
    "if (a != NULL && b->next == c) {\r\n    goto done;\r\n}\r\n", "SELECT id, name FROM rows WHERE n >= 10 AND s LIKE '%x%';",
    "<html>\n  <body class=\"a\">&nbsp;&amp;</body>\n</html>\n", "{\"id\": \"P36/test/12\", \"p\": [0.25, -1e-9, null]}", "x = 0x1F | 0b101 ^ ~y; // 100%",
    "git log --oneline | head -n 5 > /dev/null 2>&1", "https://example.org/a_b/c.d?e=f&g=%20#h", "#include <stdio.h>\n\n\n#define A(x) ((x) + 1)\n",
    "lambda x: [i for i in range(10) if i % 2 == 0]", "$\\frac{a}{b} \\leq \\sqrt{2}$", "C:\\Users\\me\\file.txt", "a@b.cc, +1 (555) 010-9999",
    "\t\t\tdeep\n\t\tless\n\tleast\nnone", "fn main() -> Result<(), Box<dyn Error>> { Ok(()) }", "!!!???...---___===***+++///", "((((()))))[[[]]]{{{}}}",
]

SPACES = [" ", "  ", "   ", "    ", "\t", "\n", "\n\n", "\r\n", "\r", " \n", "\n ", " \t ", "\u00a0", " \u00a0", "\u3000", "\u2003", "\u2009 ", "\u200b", "\ufeff",
          "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1f", "\u1680", "\u202f", "\u205f", "\n\n\n", " \r\n ", "\u180e", "        ", "\u2581", "\u2060"]

CONTRACTIONS = [a + b for a in ["'", "\u2019", "''", " '", "n'"] for b in
                ["s", "S", "t", "T", "re", "RE", "Re", "rE", "ve", "VE", "vE", "m", "M", "ll", "LL", "Ll", "d", "D", "\u017f", "\u017ft", "x", "l", "r", "v", "em", "sure", "ff"]]

EMOJI = ["\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f1e9\U0001f1ea", "\U0001f1fa\U0001f1f8\U0001f1eb", "\u2764\ufe0f", "\U0001f44d\U0001f3fd",
         "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "1\ufe0f\u20e3", "\U0001f9d1\U0001f3fb\u200d\U0001f680", "\u263a", "\u2600\ufe0f", "\U0001fae0", "\u00a9", "\u203c"]

SPECIALS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_start", "im_end|>", "<|im_start|>user\n", "<s>", "</s>", "<unk>", "<0x0A>", "<0x41>", "<0xZZ>",
            "<|begin_of_text|>", "<|eot_id|>", "<|end_of_text|>", "<|eot_id|>x", "<repo_name>", "<filename>", "<tool>", "<tool>call", "</tool>", "<|", "|>", "<<|im_end|>>",
            "<|im_end|><|im_end|>", " <|im_end|> ", "<|IM_END|>", "[INST]", "[/INST]", "<tool", "<tool>s", "\u2581tool"]

DIGITS = ["0", "1", "12", "123", "1234", "12345", "1234567890", "3.14159", "1,000,000", "\u0661\u0662\u0663", "\u0967\u0968\u0969\u096a", "\uff11\uff12\uff13\uff14", "\u00bd", "x\u00b2", "\u2167", "\u3007",
          "\u4e00\u4e8c", "1st", "2nd", "v1.2.3", "1e10", "0x1f", "10%", "$9.99", "\u0e51\u0e52", "\U0001d7d8\U0001d7d9", "\u2460\u2461", "20\u00b0C", "1/2", "-7", "+1", "007", "\U00010d40\U00010d41"]

RANGES = [(0x20, 0x7e), (0xa1, 0x17f), (0x180, 0x24f), (0x250, 0x2af), (0x300, 0x36f), (0x370, 0x3ff), (0x400, 0x4ff), (0x530, 0x58f), (0x590, 0x5ff), (0x600, 0x6ff), (0x700, 0x74f),
          (0x780, 0x7bf), (0x900, 0x97f), (0x980, 0x9ff), (0xb80, 0xbff), (0xd00, 0xd7f), (0xe00, 0xe7f), (0xf00, 0xfff), (0x1000, 0x109f), (0x10a0, 0x10ff), (0x1100, 0x11ff), (0x1200, 0x137f),
          (0x1e00, 0x1eff), (0x1f00, 0x1fff), (0x2000, 0x206f), (0x2070, 0x20cf), (0x2100, 0x214f), (0x2190, 0x23ff), (0x2500, 0x27bf), (0x3000, 0x30ff), (0x3130, 0x318f), (0x4e00, 0x9fff), (0xac00, 0xd7a3),
          (0xfb00, 0xfdff), (0xfe00, 0xfeff), (0xff00, 0xffef), (0x10000, 0x100ff), (0x10400, 0x1044f), (0x1d400, 0x1d7ff), (0x1f300, 0x1f6ff), (0x20000, 0x2a6df), (0x2ebf0, 0x2ee5d), (0xe0000, 0xe01ef), (0xe000, 0xe0ff)]

MARKS = "\u0301\u0300\u0308\u0323\u0327\u0302\u0304\u0345\u20d7\u0338\u05b7\u064e\u0651\u093c\u3099\u0316\u031b\u0e31\u0e48"
BASES = "aeiouAnNcCszEyo=<>\u03b1\u03c9\u0438\u304b\u30cf\u0915\u05d0\u0628\u1100\u1161\u11a8\uac00\u212b\u2126\u1e9b\u0344\u0958\ufb1d\u4e0d\uf900\U0001d15e"

BROKEN = [b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc2", b"\xe0\x80\x80", b"\xe0\xa0", b"\xe2\x82", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x9f", b"\xf0\x9f\x98", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80",
          b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff", b"\xff\xfe", b"\x80\x80\x80\x80", b"\xe2\x28\xa1", b"\xc3\x28", b"\xf0\x28\x8c\xbc", b"\xed\xa0\xbd\xed\xb8\x80"]


def sentences():
    return SENTENCES + CODE


def _pieces(rng):
    """One small thing of a random kind."""
    k = rng.randrange(12)
    if k < 4:
        return rng.choice(rng.choice(SENTENCES).split(" "))
    if k == 4:
        return rng.choice(SPACES)
    if k == 5:
        return rng.choice(DIGITS)
    if k == 6:
        return rng.choice(CONTRACTIONS)
    if k == 7:
        return rng.choice(EMOJI)
    if k == 8:
        return rng.choice(["!", "?!", "...", "\u2026", ",", ";", "\u2014", "--", "\u00ab\u00bb", "\u3002", "(", ")", "\"", "'", "`", "_", "/", "\\", "\u060c", "\u0964", "~", "^", "|", "\u20ac", "\u221e"])
    if k == 9:
        return rng.choice(BASES) + "".join(rng.choice(MARKS) for _ in range(rng.randrange(3)))
    if k == 10:
        return rng.choice(["the", " of", " capital", "Hello", " World", "isn", "WE", "don", "hello", " \u4e2d", "A", " I", "e"])
    return rng.choice(rng.choice(CODE).split(" "))


def _code_point(rng, lo, hi):
    while True:
        c = rng.randint(lo, hi)
        if not 0xD800 <= c <= 0xDFFF:
            return chr(c)


def strings():
    rng = random.Random(20251121)
    out = ["", " ", "  ", "\n", "a", " a", "a ", "\0", "a\0b", "\u2581", "\u2581\u2581a", " \u2581"]
    out += SENTENCES + CODE + SPACES + CONTRACTIONS + EMOJI + SPECIALS + DIGITS
    for _ in range(1500):  # mixtures
        out.append("".join(_pieces(rng) + rng.choice(["", "", " "]) for _ in range(rng.randrange(1, 9))))
    for _ in range(600):  # words of one sentence, spaces of all kinds between
        w = rng.choice(SENTENCES).split(" ")
        i = rng.randrange(len(w))
        out.append("".join(x + rng.choice(SPACES + [" "] * 20) for x in w[i:i + rng.randrange(1, 7)]))
    for _ in range(700):  # one block of Unicode
        lo, hi = rng.choice(RANGES)
        out.append("".join(_code_point(rng, lo, hi) if rng.random() < 0.9 else rng.choice(SPACES) for _ in range(rng.randrange(1, 10))))
    for _ in range(350):  # all of Unicode
        out.append("".join(_code_point(rng, 0, rng.choice([0x7F, 0x7FF, 0xFFFF, 0x10FFFF])) for _ in range(rng.randrange(1, 8))))
    for _ in range(450):  # white space against words, symbols and numbers
        out.append("".join(rng.choice(SPACES + [" ", " ", "\n"]) if rng.random() < 0.75 else rng.choice(["a", "Zq", "1", "22", ".", "'s", "\u4e2d", "\u0301"]) for _ in range(rng.randrange(1, 12))))
    for _ in range(300):
        out.append("".join(rng.choice(["I", "we", "you", "WE", "it", "", " "]) + rng.choice(CONTRACTIONS) + rng.choice(["", " ", "x", "!"]) for _ in range(rng.randrange(1, 4))))
    for _ in range(300):
        out.append("".join(rng.choice(DIGITS) + rng.choice(["", "", " ", "  ", ".", "a"]) for _ in range(rng.randrange(1, 6))))
    for _ in range(350):
        out.append("".join(rng.choice(BASES) + "".join(rng.choice(MARKS) for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))) for _ in range(rng.randrange(1, 7))))
    for _ in range(400):
        out.append("".join(rng.choice(SPECIALS) if rng.random() < 0.5 else _pieces(rng) for _ in range(rng.randrange(1, 6))))
    for _ in range(250):  # code, cut anywhere
        c = "".join(rng.choice(CODE) for _ in range(2))
        i = rng.randrange(len(c))
        out.append(c[i:i + rng.randrange(1, 60)])
    for _ in range(40):  # long, without a space
        out.append("".join(rng.choice(rng.choice([["a", "b", "ab"], ["=", "-"], [" "], ["th", "e", "in"], ["\u4e2d", "\u56fd"], ["a\u0301"], ["9"]])) for _ in range(rng.randrange(60, 250))))
    out = [s.encode() for s in out]
    out += BROKEN
    for _ in range(350):
        out.append(b"".join(rng.choice(BROKEN) if rng.random() < 0.4 else _pieces(rng).encode() for _ in range(rng.randrange(1, 7))))
    for _ in range(350):  # valid text, damaged
        s = bytearray(rng.choice(SENTENCES).encode())
        i = rng.randrange(len(s))
        s = s[i:i + rng.randrange(2, 40)]
        for _ in range(rng.randrange(0, 3)):
            s[rng.randrange(len(s))] = rng.randrange(256)
        out.append(bytes(s))
    for _ in range(150):
        out.append(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 20))))
    return out


if __name__ == "__main__":
    all_strings = strings()
    print(len(all_strings), "strings,", sum(map(len, all_strings)), "bytes,", len(set(all_strings)), "distinct")
