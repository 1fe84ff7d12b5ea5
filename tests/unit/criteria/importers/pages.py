"""Pasted pages of many shapes, written for these tests."""

BULLETS = """\
Plan and lead team briefings

    Learners on this unit prepare short briefings and check that they were underst

    Topic Synopsis

    Learners on this unit prepare short briefings and check that they were understood by the whole team.

    Learning Objectives

    What you will be able to do

    • Plan a briefing for a shift
    • Lead a briefing and answer questions

    Assessment Criteria

    What assessors look out for

    • Award credit for demonstrating a written plan
    • Shows how questions were handled
    • Expect notes from two briefings

    Key Terminology

    Terms to remember

    • Huddle: a briefing of less than ten minutes
    • Cascade
"""

DASHES_NO_INDENT = """\
Handle complaints by letter
Learning Outcomes
- Sort complaints by urgency
- Answer within the agreed time
Examiner Marking Points
- Reasons for the order are given
-Two answers are shown in full
Common Misconceptions & Mistakes to Avoid
* Promising money without authority
* Copying a standard letter
Before You Start
- Basic letter writing
"""

EMOJI = """\
🎯 Keep stock records
📚 Learning Objectives:
✅Count stock by location
✅ Correct the record
🧾 Assessment criteria
👩‍💻️Shows counts on two dates
⚠️ Gives the reason for each correction
💡 Exam Tips and Revision Strategies
💡💡Keep photos of the shelves
❓ FAQs
❓ May I count with a colleague?
Yes, if your own part is clear.
❓ How many counts?
"""

NUMBERED_LISTS = """\
# Welcome visitors

## 1. Learning outcomes

1. Greet visitors at the desk
2. Issue passes

## 2. Assessment criteria

1) Greets within one minute
2) Checks identity
10) Records the pass

## 3. Key concepts & core principles

a) First impressions last
b) A pass is a key
"""

TABLE = """\
Unit title: Maintain hand tools
Unit reference: K/505/1234
Level: 2
Credit value: 3
GLH: 24

Learning outcomes
The learner will:
Assessment criteria
The learner can:

1. Understand the care of hand tools
1.1 Explain why edges are kept sharp
1.2 Describe storage for:
• chisels
• saws
2. Be able to sharpen an edge
2.1 Sharpen a chisel so that it cuts
cleanly across the grain
2.2 Test the edge
"""

TABLE_TABS = (
    "Unit 14: Prepare a bench\n"
    "Learning outcomes\tAssessment criteria\n"
    "The learner will:\tThe learner can:\n"
    "1 Understand the bench\t1.1 Name its parts\n"
    "\t1.2 State its height\n"
    "2 Be able to clear it\t2.1 Clear the bench\n"
)

OUTCOME_BLOCKS = """\
Unit 7 - Serve at table

Learning outcome 1: Know the menu
Assessment criteria
1.1 Name the dishes of the day
1.2 State what contains nuts

Learning outcome 2
Be able to take an order
Assessment criteria
2.1 Record an order without errors
"""

EMPTY_FIRST = """\
Run a safe workshopCity & Guilds Engineering Revision

Key Concepts & Core Principles

Exam Tips & Revision Strategies

Examiner Marking Points

Run a safe workshop

CITY & GUILDS
vocational

3
Learning Outcomes
4
Key Terms
2
Assessment Criteria

Assessment criteria

City & Guilds Level 3 Diploma in Workshop Supervision

Topic Overview

A workshop is safe when its routine is safe, and routines are made by those who lead it.

Learning Objectives

• Set up a routine
• Check it daily
• Improve it

Assessment Criteria

• A checklist is in use
• Faults are followed up

Frequently Asked Questions

Common questions from learners

Key Terms

• Lock-off

Ready to learn?

AI-powered practice for this unit
"""

INLINE_COUNTERS = """\
Order materials
Back to topics
Engineering > Level 2 > Order materials > Revision
4 Learning Outcomes
2 Assessment Criteria
3 Key Terms
LEARNING OUTCOMES
Work out quantities
Compare suppliers
ASSESSMENT CRITERIA:
Shows the working
Shows three offers
COMMON MISTAKES
Forgetting waste
"""

WRAPPED = """\
Write a shift report

Overview
The report tells the next shift what was done and what was left, so that nothing is done
twice and nothing is forgotten between one team and the next.

It is short.

Learning outcomes
- Write a report that the next
  shift can act on
- Keep to facts

Assessment criteria
* The report names times
  and places
* The report is signed
"""

NO_TITLE = """\
Learning Objectives
• Bake bread
Assessment Criteria
• A loaf is baked through
"""

BTEC = """\
Explore local history
Learning aims
Learning Outcomes
LO1 Find sources
LO2 Judge sources
Assessment criteria
P1 Describe two archives
P2 List ten sources
M1 Compare their worth
"""

QUESTIONS = """\
Repair a puncture
Assessment criteria
• The tyre holds air
Frequently asked questions
Q: Which patch do I use?
A: The one that fits.
Dry the tube first.
Q1. May I use glue? Yes, a thin coat.
Who checks it?
"""

MARKDOWN = """\
# **Paint a door**

**Synopsis:** Doors are painted in a given order.

### Prior knowledge and skills

* Sanding

### __Assessment Criteria__

* **Order:** panels come first
* No runs

Key Skills

* Patience
"""

STRAY = """\
Mend a fence
This sentence belongs to no part of the page at all.
Assessment criteria
- The posts stand upright
Ready to learn?
Buy two courses and save
"""

TWO_UNITS = """\
Unit reference: A/600/0001
Unit title: Lay bricks
Learning outcomes
- Lay a course
Assessment criteria
- The course is level

Unit reference: A/600/0002
Unit title: Point joints
Learning outcomes
- Point a wall
Assessment criteria
- Joints are full
Common mistakes
- Mortar too wet
"""

TWO_SITE_PAGES = """\
Trim hedges
Topic Synopsis
Hedges are trimmed after the birds have left.
Assessment Criteria
• The line is straight
Ready to learn?
AI-powered practice for this unit
Clear leaves
Topic Synopsis
Leaves are cleared before they freeze.
Assessment Criteria
• The path is dry
Ready to learn?
"""

ALL = {name: value for name, value in dict(globals()).items() if name.isupper() and isinstance(value, str)}
