"""The words that specification and revision pages use for their parts. Data, and look-ups by folded words."""

import re
from enum import StrEnum

from portfolio.core.text import fold


class Section(StrEnum):
    """A part of a page. Guidance sections are named like the kind of guidance they hold."""

    SYNOPSIS = "synopsis"
    OVERVIEW = "overview"
    KEY_CONCEPTS = "key_concepts"
    ADVICE = "advice"
    COMMON_MISTAKES = "common_mistakes"
    PREREQUISITES = "prerequisites"
    KEY_TERMS = "key_terms"
    FAQ = "faq"
    OUTCOMES = "outcomes"
    CRITERIA = "criteria"
    ELSEWHERE = "elsewhere"  # a heading we know, over content that has no place in a unit


PROSE = frozenset({Section.SYNOPSIS, Section.OVERVIEW})
STANDARDS = frozenset({Section.OUTCOMES, Section.CRITERIA})

_STRONG = {
    Section.SYNOPSIS: "synopsis;unit summary;topic summary;unit aim;unit aims;aim of;unit purpose;"
    "purpose and aim;unit purpose and aim;unit purpose and aims;purpose of;about;unit description",
    Section.OVERVIEW: "overview;unit overview;qualification overview;unit introduction",
    Section.KEY_CONCEPTS: "key concepts;core principles;core concepts;key ideas;key principles;"
    "key concepts and core principles;key concepts and principles;core principles and key concepts;"
    "key concepts core principles",
    Section.OUTCOMES: "learning objectives;learning outcomes;learning outcome;learning objective;"
    "learning objectives and outcomes;learning outcomes and objectives;learning objectives outcomes;"
    "learning outcomes objectives;the learner will;learner will;learners will;the learner should;"
    "outcomes of learning;learning aims;learning aim;learning outcomes the learner will;what you will learn",
    Section.CRITERIA: "assessment criteria;assessment criterion;examiner marking points;"
    "assessor marking points;marking points;key marking points;marking criteria;performance criteria;"
    "evidence criteria;the learner can;learner can;learners can;the learner is able to;"
    "the learner must be able to;assessment criteria the learner can;assessment criteria and marking points;"
    "learning outcomes assessment criteria;learning outcomes and assessment criteria;"
    "learning outcome assessment criteria;learning outcome assessment criterion;"
    "the learner will the learner can;learning outcomes the learner will assessment criteria the learner can",
    Section.ADVICE: "assessment guidance;exam tips and revision strategies;exam tips;revision strategies;"
    "revision tips;exam tips revision strategies;assessment tips;assessor tips;assessment advice;"
    "revision strategies and exam tips;guidance for assessment;portfolio tips;evidence requirements;"
    "assessment requirements;exam and revision tips;study tips;portfolio guidance;exam guidance",
    Section.COMMON_MISTAKES: "common mistakes;common misconceptions;mistakes to avoid;common errors;"
    "common misconceptions and mistakes to avoid;common misconceptions mistakes to avoid;"
    "common mistakes and misconceptions;common misconceptions and mistakes;common pitfalls;"
    "common mistakes to avoid;common errors to avoid;misconceptions and mistakes to avoid",
    Section.FAQ: "frequently asked questions;faq;faqs;frequently asked questions faq;"
    "frequently asked questions faqs;questions and answers",
    Section.PREREQUISITES: "before you start;prior knowledge;prerequisites;prerequisite knowledge;"
    "prior learning;entry requirements;prior knowledge and skills;recommended prior learning",
    Section.KEY_TERMS: "key terminology;key terms;glossary;key vocabulary;glossary of terms;"
    "key terms and definitions;key terminology and definitions;essential terminology",
    Section.ELSEWHERE: "key skills;resources;useful resources;further reading;suggested resources;"
    "delivery guidance;related topics;related units;practice questions;additional information",
}  # fmt: skip
_WEAK = {
    Section.SYNOPSIS: "summary;aim;aims;purpose;description",
    Section.OVERVIEW: "introduction",
    Section.OUTCOMES: "objectives;outcomes",
    Section.CRITERIA: "criteria",
    Section.ADVICE: "tips;advice;guidance",
    Section.COMMON_MISTAKES: "misconceptions;pitfalls",
    Section.KEY_TERMS: "terminology;key words;keywords;definitions",
}

_CAPTION_HEADS = {
    Section.KEY_CONCEPTS: ("core ideas", "key ideas", "the main ideas", "main ideas", "ideas you"),
    Section.OUTCOMES: ("what you need", "what you will", "what learners", "by the end", "on completion",
                       "you will be able", "what you should", "after this"),
    Section.CRITERIA: ("key criteria", "what assessors", "what your assessor", "what examiners", "criteria assessors",
                       "to achieve this", "what you must show", "to pass"),
    Section.ADVICE: ("guidance for", "how to get", "how to do well", "tips for", "advice for", "ways to"),
    Section.COMMON_MISTAKES: ("common errors", "errors to", "what to avoid", "things to avoid", "typical errors",
                              "mistakes to", "where learners"),
    Section.FAQ: ("common questions", "questions students", "questions learners", "what learners ask"),
    Section.PREREQUISITES: ("prior knowledge", "what you should already", "what you need", "helpful to know",
                            "you should already"),
    Section.KEY_TERMS: ("essential terms", "terms to", "terms you", "words to", "words you",
                        "vocabulary", "important terms"),
}  # fmt: skip


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split(";"))


_FURNITURE = _set(
    "home;menu;search;log in;login;sign in;sign up;register;next;previous;next topic;previous topic;"
    "next unit;previous unit;back;back to topics;back to units;back to subjects;back to top;share;"
    "share this page;print;print this page;download pdf;skip to content;skip to main content;"
    "on this page;contents;table of contents;cookies;cookie policy;privacy policy;terms of use;"
    "terms and conditions;contact us;about us;subjects;dashboard;pricing;blog;help;start learning;"
    "get started;start free trial;try for free;revision;loading;main menu;navigation;all units;"
    "all topics;view all;show more;show less;read more;close"
)
_FOOTERS = (
    "ready to learn",
    "ai powered",
    "ready to start",
    "all rights reserved",
    "copyright ",
    "we use cookies",
)
_TAGS = _set(
    "vocational;academic;gcse;a level;nvq;qcf;rqf;btec;mandatory;mandatory unit;optional;"
    "optional unit;qualification;unit;topic;subtopic;specification"
)

_BODIES = _set(
    "pearson;pearson education;pearson education ltd;pearson education limited;pearson btec;edexcel;"
    "pearson edexcel;city and guilds;city and guilds of london institute;ncfe;ncfe cache;cache;ocr;"
    "aqa;wjec;eduqas;ccea;sqa;ilm;institute of leadership and management;cmi;"
    "chartered management institute;nocn;eal;highfield;highfield qualifications;vtct;vtct skills;"
    "gateway qualifications;tquk;training qualifications uk;active iq;imi;sfj awards;proqual;"
    "qualsafe;qualsafe awards;aim qualifications;open awards;ascentis;libf;cips;cipd;aat;bcs;biiab;"
    "cskills awards;focus awards;gqa;iqualify;lantra;laser learning awards;othm;innovate awarding;"
    "skills and education group awards;trinity college london;ual awarding body;wset;abbe;"
    "future awards;icq;1st4sport;occupational awards;transcend awards;agored cymru"
)
_BODY_ENDINGS = (" ltd", " limited", " awards", " awarding organisation", " awarding body", " qualifications")
_BODY_AT_START = re.compile(
    r"(?:"
    + "|".join(
        sorted((re.escape(body).replace("and", "(?:and|&)") for body in _BODIES), key=len, reverse=True)
    ).replace(r"\ ", r"\s+")
    + r")\b(?:\s+(?:Education|Ltd\.?|Limited|Awards|Qualifications)\b)*",
    re.IGNORECASE,
)

_LABELS = {
    "unit_title": "unit title;title;topic;topic title;unit name",
    "ref": "unit reference;unit reference number;unit ref;reference;ref;unit number;unit code;urn;ofqual reference;"
    "unit accreditation number;accreditation number;ofqual unit reference;ofqual unit reference number",
    "level": "level;unit level;qcf level;rqf level",
    "credits": "credits;credit;credit value;unit credits;credit points",
    "glh": "glh;guided learning hours;guided learning;guided learning hours glh",
    "awarding_body": "awarding organisation;awarding body;awarding organization;exam board;examination board",
    "qualification": "qualification;qualification title;course;programme",
    "number": "qualification number;qan;qualification accreditation number;qualification reference",
}
LABELS = {alias: name for name, aliases in _LABELS.items() for alias in aliases.split(";")}

_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_EXTRAS = re.compile(
    r"^(?:this |the )?(?:topic |unit |subtopic )+|(?: (?:for|of|in) this (?:unit|topic|subtopic))$| \d{1,3}$"
)


def key(text: str) -> str:
    """Words for comparing: folded, "&" as "and", punctuation gone. Linear in the text."""
    return " ".join(_WORD.findall(fold(text.replace("&", " and ").replace("’", "").replace("'", ""))))


def _table(words: dict[Section, str]) -> dict[str, Section]:
    return {alias: section for section, aliases in words.items() for alias in aliases.split(";")}


STRONG = _table(_STRONG)
WEAK = _table(_WEAK)


def section_of(words: str, *, weak: bool) -> Section | None:
    """The section that a heading of these folded words opens; `weak` admits everyday words such as "aims"."""
    if len(words) > 120:
        return None
    short = _EXTRAS.sub("", words)
    for form in (words, short):
        found = STRONG.get(form) or (WEAK.get(form) if weak else None)
        if found is not None:
            return found
    return None


def is_caption(section: Section, words: str) -> bool:
    """Whether the words begin like the line of explanation that sites set under such a heading."""
    return len(words) <= 100 and words.startswith(_CAPTION_HEADS.get(section, ("\n",)))


def is_furniture(words: str) -> bool:
    return words in _FURNITURE


def is_footer(words: str) -> bool:
    return words.startswith(_FOOTERS) and len(words) <= 200


def is_tag(words: str) -> bool:
    return words in _TAGS


def is_body(words: str) -> bool:
    """Whether the words name an awarding organisation: one we know, or by their form."""
    return words in _BODIES or (words.endswith(_BODY_ENDINGS) and words.count(" ") <= 5)


def body_at_start(text: str) -> str:
    """The awarding organisation that a text begins with, or ""."""
    found = _BODY_AT_START.match(text[:120])
    return found[0].strip() if found else ""
