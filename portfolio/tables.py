"""Every table of every package, imported once, so that the metadata is whole (migrations, tests)."""

# ruff: noqa: F401

import assessors.models
import assessors.visit_models
import criteria.bank_models
import criteria.models
import evidence.confidential_models
import evidence.models
import evidence.previews.models
import evidence.reply_models
import evidence.search_models
import evidence.storage_models
import evidence.timed_models
import evidence.version_models
import evidence.witness_models
import portfolio.core.jobs
import portfolio.core.log
import portfolio.core.mail
import portfolio.people.models
import portfolio.records.models
